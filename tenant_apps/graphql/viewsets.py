"""The one address that queries are sent to."""

from rest_framework.request import Request
from rest_framework.response import Response

from billing.entitlements import Feature, require_feature
from tenant_apps.graphql.serializers import QuerySerializer, ResultSerializer
from tenants.api.viewsets import TenantView
from tenants.standing import Purpose


class GraphQLView(TenantView):
    """Reading by GraphQL, where the plan has it. The schema can be asked for by introspection."""

    verbs = {"post": "graphql:read"}
    purposes = {"post": Purpose.READ}
    input_class = QuerySerializer
    output_class = ResultSerializer

    def post(self, request: Request) -> Response:
        """Answer a query; nothing can be changed this way."""
        require_feature(Feature.GRAPHQL)
        # Loaded with the first query: it takes a third as long as all else, and most processes never answer one.
        from tenant_apps.graphql.answering import answer_of

        return Response(answer_of(self.input(), request.user))

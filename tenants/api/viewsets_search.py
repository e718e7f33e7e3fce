"""The search over everything by API: what the palette of the portal finds, without its pages."""

from types import SimpleNamespace
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from tenants.api import fields
from tenants.api.filters import LONGEST_SEARCH
from tenants.api.serializers import TenantSerializer
from tenants.api.viewsets import TenantView
from tenants.finding import Finder, Hit, found_records


class SearchQuerySerializer(TenantSerializer):
    """What is looked for."""

    search = fields.TextField(max_length=LONGEST_SEARCH, help_text="Words, a number or a code.")


class HitSerializer(TenantSerializer):
    """One record that was found. Its kind is one word, such as `order`; kinds may be added."""

    kind = fields.TextField(read_only=True)
    id = serializers.UUIDField(read_only=True)
    label: Any = fields.TextField(read_only=True)
    hint = fields.TextField(read_only=True)
    url = serializers.URLField(read_only=True)


class FoundSerializer(TenantSerializer):
    """The best few of each kind."""

    data: Any = HitSerializer(many=True, read_only=True)


class SearchView(TenantView):
    """Records of all kinds that the credential may read."""

    verbs = {"get": "account:read"}
    http_method_names = ["get", "head"]
    query_class = SearchQuerySerializer
    output_class = FoundSerializer

    def get(self, request: Request) -> Response:
        """Find the best few records of each kind; the list of a kind finds the others."""
        found = found_records(request.user, self.query()["search"])
        hits = [self._shown(finder, hit) for finder, hits in found for hit in hits]
        return self.answer(SimpleNamespace(data=hits))

    def _shown(self, finder: Finder, hit: Hit) -> Any:
        url = reverse(finder.resource, kwargs={"id": hit.key}, request=self.request)
        return SimpleNamespace(kind=finder.kind, id=hit.key, label=hit.label, hint=hit.hint, url=url)

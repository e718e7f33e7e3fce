"""The API's route for GraphQL."""

from django.urls import path

from tenant_apps.graphql.viewsets import GraphQLView

urlpatterns = [path("graphql/", GraphQLView.as_view(), name="graphql")]

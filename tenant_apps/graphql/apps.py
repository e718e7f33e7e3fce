from django.apps import AppConfig


class GraphqlConfig(AppConfig):
    name = "tenant_apps.graphql"
    label = "graphql"
    verbose_name = "GraphQL"

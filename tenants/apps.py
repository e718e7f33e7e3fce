from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    read_only = ("tenants_sentinel",)

    def ready(self) -> None:
        from django.contrib.postgres.indexes import OpClass
        from django.db.models.expressions import OrderBy
        from django.db.models.functions import Collate
        from django.db.models.indexes import IndexExpression

        from tenants import checks  # noqa: F401  (registers the checks)

        # So that an index on an expression may name its operators. The app `django.contrib.postgres` does this too,
        # but asks each new connection for types that nobody here uses.
        IndexExpression.register_wrappers(OrderBy, OpClass, Collate)

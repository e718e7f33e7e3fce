from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    read_only = ("tenants_sentinel",)

    def ready(self) -> None:
        from tenants import checks  # noqa: F401  (registers the checks)

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "tenant_apps.reports"
    label = "reports"
    verbose_name = "Reports"

    def ready(self) -> None:
        from tenant_apps.reports import portal  # noqa: F401  (puts its entry into the rail)
        from tenant_apps.reports.services import forget_days
        from tenants.audit.listening import listen

        listen("import.undone", lambda recorded: forget_days())

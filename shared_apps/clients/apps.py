from django.apps import AppConfig


class ClientsConfig(AppConfig):
    name = "shared_apps.clients"
    label = "clients"
    verbose_name = "Tenants"

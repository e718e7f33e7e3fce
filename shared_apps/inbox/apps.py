from django.apps import AppConfig


class InboxConfig(AppConfig):
    name = "shared_apps.inbox"
    label = "inbox"
    verbose_name = "Stripe's events"

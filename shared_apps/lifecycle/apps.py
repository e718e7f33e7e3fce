from django.apps import AppConfig


class LifecycleConfig(AppConfig):
    name = "shared_apps.lifecycle"
    label = "lifecycle"
    verbose_name = "Lifecycle"

"""The zoo has no pages; and the settings of its fleet before it gets its tables: the same without the zoo."""

from tests.fleet.zoo.settings import *  # noqa: F403
from tests.fleet.zoo.settings import INSTALLED_APPS, TENANT_APPS

TENANT_APPS = [app for app in TENANT_APPS if app != "tests.fleet.zoo"]
INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "tests.fleet.zoo"]
urlpatterns: list[None] = []

"""The platform's settings with the zoo for the tenants' business, in place of the shop's forty tables."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, TENANT_APPS

TENANT_APPS = [*(app for app in TENANT_APPS if not app.startswith("tenant_apps.")), "tests.fleet.zoo"]
INSTALLED_APPS = [*(app for app in INSTALLED_APPS if not app.startswith("tenant_apps.")), "tests.fleet.zoo"]
ROOT_URLCONF = PUBLIC_URLCONF = "tests.fleet.zoo.empty"

"""The platform's settings with the zoo among the tenants' apps."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, TENANT_APPS

TENANT_APPS = [*TENANT_APPS, "tests.fleet.zoo"]
INSTALLED_APPS = [*INSTALLED_APPS, "tests.fleet.zoo"]

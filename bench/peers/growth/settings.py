"""The product with the app that grows."""

from config.settings import *  # noqa: F403  (settings are extended like this)
from config.settings import INSTALLED_APPS, TENANT_APPS

TENANT_APPS = [*TENANT_APPS, "bench.peers.growth"]
INSTALLED_APPS = [*INSTALLED_APPS, "bench.peers.growth"]

"""The settings of the stock peer with the app that grows."""

from bench.peers.stock.settings import *  # noqa: F403  (settings are extended like this)
from bench.peers.stock.settings import INSTALLED_APPS, TENANT_APPS

TENANT_APPS = [*TENANT_APPS, "bench.peers.growth"]
INSTALLED_APPS = [*INSTALLED_APPS, "bench.peers.growth"]

"""The product's settings with tenancy taken out: one schema, one login, Django's own backend and transactions."""

import os

from config import settings as product
from config.env import parse_database_url
from config.settings import *  # noqa: F403  (everything else stays as it is)

OWN = {
    "ENGINE": "django.db.backends.postgresql",
    **parse_database_url(os.environ["PEER_DATABASE_URL"]),
    "CONN_MAX_AGE": None,
}
# The keys that sign tokens are read as the platform's own tables are; here these are the same.
DATABASES = {"default": {**OWN, "ATOMIC_REQUESTS": True}, "control": OWN}
DATABASE_ROUTERS: list[str] = []
MIDDLEWARE = [name for name in product.MIDDLEWARE if name != "tenants.middleware.RealmMiddleware"]

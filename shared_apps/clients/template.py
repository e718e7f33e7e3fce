"""The template schema: migrated with everybody, used by nobody, the source of the baseline."""

from django.db import connections

from shared_apps.clients.provisioning import TEMPLATE_SCHEMA
from tenants.routers import MIGRATOR_ALIAS


def ensure_template() -> None:
    """Make the template's schema if it is not there; it has no role, so that nobody can enter it."""
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{TEMPLATE_SCHEMA}"')

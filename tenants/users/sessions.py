"""Sessions that open only in the realm they were made in."""

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore

from tenants.context import realm_key


class SessionStore(DatabaseSessionStore):
    """Rows live in the tenant's schema; their signature names the tenant as well, so that a copied row stays shut."""

    @property
    def key_salt(self) -> str:
        return f"tenants.sessions.{realm_key()}"

    @classmethod
    def get_model_class(cls):  # type: ignore[no-untyped-def]  # as in Django's base class
        return DatabaseSessionStore.get_model_class()

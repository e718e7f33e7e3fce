"""The kept keys as the ground floor asks for them."""

from tenants.routers import CONTROL_ALIAS
from tenants.users.keys import KeptKey


class DatabaseKeys:
    """Reads the public table; see `tenants.users.keys` for what a process remembers of it."""

    def kept(self) -> list[KeptKey]:
        """All keys, the newest first."""
        from shared_apps.keys.models import StoredKey

        rows = StoredKey.objects.using(CONTROL_ALIAS).values_list(
            "kid", "sealed", "signs_from", "verifies_until"
        )
        return [KeptKey(*row) for row in rows]

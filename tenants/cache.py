"""Cache keys that carry the tenant; a use outside any realm is refused."""

from tenants.context import realm_key


def realm_cache_key(key: str, key_prefix: str, version: int) -> str:
    """Django's KEY_FUNCTION: put the current tenant, or `public`, in front of every key."""
    return f"{key_prefix}:{realm_key()}:{version}:{key}"

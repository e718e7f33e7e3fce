"""Which role may do what. Verbs are also the scopes of API tokens."""

from typing import Final, Protocol

READ: Final = frozenset(
    f"{resource}:read"
    for resource in (
        "account",
        "customers",
        "graphql",
        "imports",
        "invoices",
        "jobs",
        "orders",
        "products",
        "reports",
        "stock",
        "taxes",
        "team",
        "usage",
    )
)
WRITE: Final = frozenset(
    f"{resource}:write" for resource in ("customers", "imports", "invoices", "orders", "products", "stock")
)
# What everybody has of their own, and nobody else sees.
OWN: Final = frozenset({"sessions:own", "tokens:own"})
MANAGE: Final = frozenset(
    {
        "billing:manage",
        "domains:manage",
        "invoices:manage",
        "taxes:manage",
        "team:manage",
        "tokens:manage",
        "webhooks:manage",
        "workspace:manage",
    }
)
# What the workspace itself pays: for those who manage it, and for their programs.
BOOKS: Final = frozenset({"billing:read"})

ROLE_VERBS: Final[dict[str, frozenset[str]]] = {
    "viewer": READ | OWN,
    "member": READ | WRITE | OWN,
    "admin": READ | WRITE | MANAGE | BOOKS | OWN,
    "owner": READ | WRITE | MANAGE | BOOKS | OWN,
    # Operators work in the public realm's admin and hold no right inside a tenant.
    "operator": frozenset(),
}
VERBS: Final = READ | WRITE | MANAGE | BOOKS | OWN
# A token can never make further tokens.
SCOPES: Final = READ | WRITE | BOOKS


class Principal(Protocol):
    """A person or an API token, as far as rights go."""

    def can(self, verb: str) -> bool: ...


def can(principal: Principal | object, verb: str) -> bool:
    """Whether the principal may do the verb; anonymous and unknown principals may do nothing."""
    if verb not in VERBS:
        raise ValueError(f"{verb!r} is no verb; add it to tenants/users/permissions.py.")
    ask = getattr(principal, "can", None)
    return bool(ask and ask(verb))

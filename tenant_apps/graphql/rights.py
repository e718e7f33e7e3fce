"""Who may see a field: whoever may read its resource by the REST API."""

from dataclasses import dataclass
from typing import Any

from strawberry.permission import BasePermission

from tenants.users.permissions import VERBS, can


@dataclass(frozen=True)
class Context:
    """What resolvers know of the request."""

    principal: Any


def needs(verb: str) -> type[BasePermission]:
    """A permission that lets those through who have the verb; raises ValueError for a verb that nobody knows."""
    if verb not in VERBS:
        raise ValueError(f"{verb!r} is no verb; add it to tenants/users/permissions.py.")

    class Needs(BasePermission):
        message = f"This needs {verb}, which your role or the scopes of your token do not include."
        error_extensions = {"code": "forbidden"}

        def has_permission(self, source: Any, info: Any, **arguments: Any) -> bool:
            return can(info.context.principal, verb)

    return Needs

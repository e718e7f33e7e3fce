"""Who may call an API view: what its declaration says, and nobody when it says nothing."""

from typing import Any, ClassVar, Final

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenants.api.limits import limiter
from tenants.errors import DomainError
from tenants.standing import SAFE_METHODS, Purpose, refusal_of, usual_purpose
from tenants.users.permissions import VERBS, can

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
# However much a tenant has spent: there it can say that it wants to spend more.
NEVER_STOPPED: Final = frozenset({Purpose.SELF, Purpose.BILLING})


class Declares:
    """The declaration of an API view: a resource with its verbs, or the reason why it is open to all.

    `resource = "products"` asks for products:read on safe methods and products:write on the others; `verbs`
    names other verbs by action (by lower-case method on plain views); `public_because` opens the view. `purposes`
    says by action what it is for, where that does not follow from its verb and method: see `tenants.standing`.
    """

    resource: ClassVar[str] = ""
    verbs: ClassVar[dict[str, str]] = {}
    public_because: ClassVar[str] = ""
    purposes: ClassVar[dict[str, Purpose]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        named = [*cls.verbs.values(), *([f"{cls.resource}:read"] if cls.resource else [])]
        if strange := sorted(set(named) - VERBS):
            raise ImproperlyConfigured(
                f"{cls.__name__} asks for {strange[0]!r}, which is no verb: "
                "add it to tenants/users/permissions.py."
            )

    @classmethod
    def verb_for(cls, action: str, method: str) -> str | None:
        """The verb that an action asks for; None when the view is open to all."""
        if cls.public_because:
            return None
        if action in cls.verbs:
            return cls.verbs[action]
        if not cls.resource:
            raise ImproperlyConfigured(f"{cls.__name__} declares no permission for {action!r}.")
        return f"{cls.resource}:{'read' if method in SAFE_METHODS else 'write'}"

    @classmethod
    def purpose_for(cls, action: str, method: str) -> Purpose:
        """What an action is for, as far as the tenant's payments go."""
        declared = cls.purposes.get(action)
        return declared or usual_purpose(cls.verb_for(action, method), method)

    @classmethod
    def declared_access(cls) -> str | None:
        """What the view declares, as text for the start-up check; None when it declares nothing."""
        if cls.public_because:
            return f"public: {cls.public_because}"
        return cls.resource or ", ".join(sorted(set(cls.verbs.values()))) or None


class HasVerb(BasePermission):
    """Let a principal through whose role or scopes include the verb that the view declares."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Check the verb; a method that the view does not know is left to be answered with 405."""
        action = known_action(request, view)
        verb = view.verb_for(action, str(request.method)) if action else None
        self.message = f"This needs {verb}, which your role or the scopes of your token do not include."
        return verb is None or can(request.user, verb)


class IsOpen(BasePermission):
    """Let through what the tenant's payments leave open; raises what is withheld."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """A repeated POST may have been answered before it was closed: then it is left to the view."""
        is_repeatable = request.method == "POST" and IDEMPOTENCY_KEY in request.headers
        if not (is_repeatable and hasattr(view, "is_answered_again")):
            require_open(request, view)
        return True


def require_open(request: Request, view: Any) -> None:
    """Raise what is withheld, if the tenant's payments or its own spend cap do not leave open what the view is for."""
    action = known_action(request, view)
    if action is None:
        return
    tenant = getattr(request._request, "tenant", None)
    purpose = view.purpose_for(action, str(request.method))
    refusal: DomainError | None = refusal_of(tenant, purpose, request.user)
    if refusal is None and tenant is not None and purpose not in NEVER_STOPPED:
        refusal = limiter.refusal_of(tenant)
    if refusal is not None:
        raise refusal


def known_action(request: Request, view: Any) -> str | None:
    """What the view calls the request's method; None for one that it does not know, which is answered with 405."""
    method = str(request.method)
    action = getattr(view, "action", "get" if method == "HEAD" else method.lower())
    # By the names of methods first: a plain view has a `query` of its own, and QUERY is a method by now.
    is_known = method.lower() in view.http_method_names and hasattr(view, str(action))
    return str(action) if action not in (None, "options") and is_known else None

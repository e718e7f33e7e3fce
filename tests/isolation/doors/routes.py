"""What there is to walk: every route of a URLconf, and the right that each of its methods asks for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.urls import URLPattern, get_resolver

from tenants.checks import declaration, routes

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
SAFE: Final = ("GET", "HEAD")
PARAMETER = re.compile(r"<(?:(?P<converter>\w+):)?(?P<name>\w+)>")


class Undeclared(AssertionError):
    """A route of which nobody can say what it should answer."""


@dataclass(frozen=True)
class Route:
    """One path of the URLconf with the view behind it."""

    path: str
    callback: Any

    def __str__(self) -> str:
        return f"/{self.path}"

    @property
    def is_api(self) -> bool:
        return self.path.startswith("api/")

    @property
    def view(self) -> Any:
        """The class of an API view; None for a plain function."""
        return getattr(self.callback, "cls", None)

    @property
    def parameters(self) -> dict[str, str]:
        """The parts of the path that vary: name → converter."""
        return {found["name"]: found["converter"] or "str" for found in PARAMETER.finditer(self.path)}

    @property
    def ids(self) -> list[str]:
        """The parts of the path that are ids."""
        return [name for name, converter in self.parameters.items() if converter == "uuid"]

    def url(self, values: Mapping[str, object]) -> str:
        """The path with its parts filled in."""
        return "/" + PARAMETER.sub(lambda found: str(values[found["name"]]), self.path)

    def verb(self, method: str) -> str | None:
        """The right a known method asks for; None where the route is open to all. Raises Undeclared."""
        declared = declaration(self.callback)
        if declared is None:
            raise Undeclared(f"{self} declares no permission: see tenants.checks.")
        if declared.startswith("public: "):
            return None
        return str(self.view.verb_for(self.action(method), method)) if self.view else declared

    def action(self, method: str) -> str | None:
        """What an API view calls the method; None when it does not know it."""
        name = "get" if method == "HEAD" else method.lower()
        actions: dict[str, str] | None = getattr(self.callback, "actions", None)
        if actions is not None:
            return actions.get(name)
        return name if self.view is not None and hasattr(self.view, name) else None

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that the view knows; all usual ones where it does not say."""
        if self.view is not None:
            return tuple(m for m in METHODS if self.action(m) and self._allows(m))
        named = [methods for function in _unwrapped(self.callback) for methods in _closed_over(function)]
        return tuple(m for m in METHODS if all(m in methods for methods in named))

    def _allows(self, method: str) -> bool:
        allowed: list[str] = self.view.http_method_names
        has_metadata = method != "OPTIONS" or self.view.metadata_class is not None
        return has_metadata and ("get" if method == "HEAD" else method.lower()) in allowed

    @property
    def authenticates(self) -> bool:
        """Whether the view looks at the Authorization header at all."""
        return self.view is not None and bool(self.view.authentication_classes)


def tenant_routes() -> list[Route]:
    """All routes of a tenant's host."""
    return _routes(settings.ROOT_URLCONF)


def public_routes() -> list[Route]:
    """All routes of the public host."""
    return _routes(settings.PUBLIC_URLCONF)


def _routes(urlconf: str) -> list[Route]:
    return [_route(path, pattern) for path, pattern in routes(get_resolver(urlconf))]


def _route(path: str, pattern: URLPattern) -> Route:
    return Route(path, pattern.callback)


def _unwrapped(function: Any) -> Iterator[Any]:
    while function is not None:
        yield function
        function = getattr(function, "__wrapped__", None)


def _closed_over(function: Any) -> Iterator[tuple[str, ...]]:
    """The methods that Django's `require_http_methods` keeps in its closure."""
    for cell in getattr(function, "__closure__", None) or ():
        held = cell.cell_contents
        if isinstance(held, list | tuple) and held and set(held) <= set(METHODS):
            yield tuple(held)

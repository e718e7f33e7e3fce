"""Which rows a path speaks of: found by asking the route itself with acme's own ids."""

from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from itertools import product
from typing import Any, Final
from uuid import UUID

from django.db.models import Model

from billing.models import StripeInvoice
from shared_apps.domains.models import Claim
from tenant_apps.orders.taxes.models import TaxRule
from tenant_apps.products.models import StockDocument
from tenant_apps.webhooks.models import Delivery, Endpoint
from tenants.users.models import ApiToken, SignIn
from tests.isolation.doors.routes import Route, Undeclared
from tests.isolation.doors.rows import owned_models
from tests.isolation.doors.scene import Scene

# Parts of paths that are no ids, with values of which one leads somewhere.
WORDS: Final = {
    "ticket": ("no-ticket",),
    "token": ("no-token",),
    "word": ("no-word",),
    "move": ("place", "start", "send", "apply"),
    "outcome": ("arrived",),
    "plan": ("team",),
}
# Whose rows a path speaks of, where it does not name their model. Else rows of all models would be asked for in turn.
CALLED: Final[dict[str, type[Model]]] = {
    "billing/invoices": StripeInvoice,
    "counts": StockDocument,
    "deliveries": Delivery,
    "domains": Claim,
    "sessions": SignIn,
    "taxes": TaxRule,
    "tokens": ApiToken,
    "transfers": StockDocument,
    "webhooks": Endpoint,
}
# What a read cannot go without.
QUERIES: Final = {"api/v1/search/": "?search=mug"}


@dataclass(frozen=True)
class Way:
    """A path that leads to rows of acme, and whose rows these are."""

    route: Route
    values: dict[str, Any]
    models: dict[str, type[Model]]

    @property
    def url(self) -> str:
        return self.route.url(self.values) + QUERIES.get(self.route.path, "")

    def with_id(self, name: str, value: Any) -> str:
        """The same path with one id changed."""
        return self.route.url({**self.values, name: value})


class Ways:
    """Ways that were found already."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._known: dict[str, Way] = {}

    def to(self, route: Route) -> Way:
        """A path of the route that exists at acme; raises Undeclared when none can be found."""
        if route.path not in self._known:
            self._known[route.path] = self._find(route)
        return self._known[route.path]

    def _find(self, route: Route) -> Way:
        found: Way | None = None
        for models in self._in_order(route):
            for way in self._through(route, models):
                if route.verb(route.methods[0]) is None or (status := self._ask(way)) == 200:
                    return way
                found = found or (way if status != 404 else None)
            if found is not None:
                return found
        raise Undeclared(f"{route}: no row of acme is found there. Give the scene one, or WORDS a word.")

    def _in_order(self, route: Route) -> Iterator[tuple[type[Model], ...]]:
        """Models that the ids may be of; first those of which one row is found, as some have many rows."""
        choices = list(product(*(_likely_models(route, name) for name in route.ids)))
        if any(_called(route, name) for name in route.ids):
            yield choices[0]
        if len(route.ids) == 1 and route.verb(route.methods[0]) is not None:
            yield from (each for each in choices if self._is_found(route, each))
        yield from choices

    def _is_found(self, route: Route, models: tuple[type[Model], ...]) -> bool:
        return any(self._ask(way) != 404 for way in self._through(route, models, most=1))

    def _through(
        self, route: Route, models: tuple[type[Model], ...], most: int | None = None
    ) -> Iterator[Way]:
        """The paths over all rows of these models, or over the first ones."""
        choices = {name: WORDS.get(name, ()) for name in route.parameters}
        choices |= {
            name: tuple(self._scene.own[model][:most]) for name, model in zip(route.ids, models, strict=True)
        }
        for values in product(*choices.values()):
            yield Way(
                route,
                dict(zip(choices, values, strict=True)),
                dict(zip(route.ids, models, strict=True)),
            )

    def _ask(self, way: Way) -> int:
        client = self._scene.program if way.route.is_api else self._scene.owner
        method, cookies = way.route.methods[0], SimpleCookie(client.cookies)
        status: int = client.generic(method, way.url, content_type=content_type(way.route)).status_code
        # Some ways end the session; the row comes back after the test, and so must the cookie.
        client.cookies = cookies
        return status


def content_type(route: Route) -> str:
    """What a request without a body says it holds."""
    return "application/json" if route.is_api else "application/x-www-form-urlencoded"


def _likely_models(route: Route, name: str) -> Iterator[type[Model]]:
    """Models with UUID keys; first the one that is meant, then those that the path names."""
    meant, said = _called(route, name), f"{route.path}{name}"
    models = [
        model for model in owned_models() if isinstance(model._meta.pk.to_python(str(UUID(int=0))), UUID)
    ]
    return iter(
        sorted(models, key=lambda model: (model is not meant, str(model._meta.model_name) not in said))
    )


def _called(route: Route, name: str) -> type[Model] | None:
    """The model that an id is of, as far as that is known before a row of it is found."""
    queryset = getattr(route.view, "queryset", None)
    if queryset is not None and name == "id":
        return queryset.model  # type: ignore[no-any-return]
    before = route.path.partition(f":{name}>")[0].rpartition("/<")[0]
    return next((model for word, model in CALLED.items() if before.endswith(word)), None)

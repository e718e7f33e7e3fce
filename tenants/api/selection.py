"""What of a record is shown: `?fields=` leaves fields out, `?expand=` shows a related record in place of its id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rest_framework.exceptions import ErrorDetail, PermissionDenied
from rest_framework.request import Request

from tenants.api.failures import InvalidQuery
from tenants.api.serializers import TenantSerializer
from tenants.users.permissions import can

PARAMETERS: Final = frozenset({"fields", "expand"})


@dataclass(frozen=True)
class Expansion:
    """A related record that may be shown in place of its id, by who holds the verb that shows it anyway."""

    shape: type[TenantSerializer]
    verb: str


@dataclass(frozen=True)
class Selection:
    """The fields that one answer shows, and those of them that are expanded."""

    fields: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()

    def shows(self, name: str) -> bool:
        return not self.fields or name in self.fields

    def shapes(self, expansions: Mapping[str, Expansion]) -> dict[str, type[TenantSerializer]]:
        """The shape of each expanded field that is shown."""
        return {name: expansions[name].shape for name in self.expand if self.shows(name)}


def selection_of(request: Request, known: Sequence[str], expansions: Mapping[str, Expansion]) -> Selection:
    """The selection that a request asks for; raises on a name that is unknown, doubled, or not to be seen."""
    chosen = _names(request, "fields", known, "field")
    expanded = _names(request, "expand", sorted(expansions), "expandable field")
    for name in expanded:
        verb = expansions[name].verb
        if not can(request.user, verb):
            raise PermissionDenied(
                f"Expanding {name!r} needs {verb}, which your role or the scopes of your token do not include."
            )
    return Selection(chosen, expanded)


def _names(request: Request, parameter: str, known: Sequence[str], what: str) -> tuple[str, ...]:
    # Divided by commas as people write them, or sent several times as generated clients do.
    names = tuple(name for text in request.query_params.getlist(parameter) for name in text.split(","))
    if strange := [name for name in names if name not in known]:
        told = ", ".join(known) or "none"
        raise _wrong(parameter, f"{strange[0]!r} is no {what} here. Known: {told}.", f"unknown_{parameter}")
    if len(set(names)) != len(names):
        raise _wrong(parameter, "Name each of them once.", "repeated")
    return names


def _wrong(parameter: str, detail: str, code: str) -> InvalidQuery:
    return InvalidQuery({parameter: [ErrorDetail(detail, code)]})


# What the OpenAPI document says


def selection_parameters(known: Sequence[str], expansions: Mapping[str, Expansion]) -> list[dict[str, Any]]:
    """The two parameters of a view; `expand` only where something can be expanded."""
    fields = _parameter(
        "fields", known, "Only these fields; all without it. Several may be divided by commas as well."
    )
    told = "Show these related records in place of their ids; each needs the right to see such records."
    return [fields, _parameter("expand", sorted(expansions), told)] if expansions else [fields]


def _parameter(name: str, words: Sequence[str], description: str) -> dict[str, Any]:
    items = {"type": "string", "enum": list(words)}
    schema = {"type": "array", "items": items, "minItems": 1, "uniqueItems": True}
    return {"name": name, "schema": schema, "description": description}

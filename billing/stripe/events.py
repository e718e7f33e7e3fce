"""The events of the platform's account as Stripe lists them, of both generations: thirty days back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from billing.stripe.client import account

GROUP: Final = ".*"
# Types of thin events begin with the generation of the API that they are of.
THIN: Final = re.compile(r"v[0-9]+\.")
# So many types are taken in one call.
MOST_TYPES: Final = 20


def events_between(begin: datetime, end: datetime, types: Sequence[str]) -> Iterator[bytes]:
    """The bodies of events of these types and groups; one that is in two of them comes twice."""
    yield from _snapshots(begin, end, [name for name in types if not THIN.match(name)])
    yield from _thin(begin, end, [name for name in types if THIN.match(name)])


def _snapshots(begin: datetime, end: datetime, types: Sequence[str]) -> Iterator[bytes]:
    created = {"created": {"gte": int(begin.timestamp()), "lte": int(end.timestamp())}}
    asked: list[dict[str, Any]] = [{"type": name} for name in types if name.endswith(GROUP)]
    asked += [{"types": some} for some in _chunks([name for name in types if not name.endswith(GROUP)])]
    for some in asked:
        for event in account().read_all(lambda client: client.v1.events.list, params={**created, **some}):
            yield _body(event)


def _thin(begin: datetime, end: datetime, types: Sequence[str]) -> Iterator[bytes]:
    """The second generation knows no groups: where one is asked for, all come, and what nobody handles is ignored."""
    created = {"created": {"gte": _moment(begin), "lte": _moment(end)}}
    has_group = any(name.endswith(GROUP) for name in types)
    asked: list[dict[str, Any]] = [{}] if has_group else [{"types": some} for some in _chunks(types)]
    for some in asked:
        for event in account().read_all(_thin_list, params={**created, **some}):
            yield _body(event)


def _thin_list(client: Any) -> Any:
    return client.v2.core.events.list


def _chunks(types: Sequence[str]) -> list[list[str]]:
    return [list(types[at : at + MOST_TYPES]) for at in range(0, len(types), MOST_TYPES)]


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _body(event: Any) -> bytes:
    return orjson.dumps(event.to_dict(for_json=True), default=str)

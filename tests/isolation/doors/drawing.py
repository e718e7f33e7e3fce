"""Requests that schemathesis makes from the OpenAPI document: each limit and each omission, and then by chance.

Hypothesis tells its ways of drawing apart by name. Its own mutates what it has drawn and remembers all of it, to find
and to shrink what fails: that takes several times as long as the requests. What fails here is a single request, and is
shown whole, so the plain way is enough: each request is drawn for itself, from a seed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS
from schemathesis import GenerationMode
from schemathesis.generation.drivers import CoverageGenerator
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.generation.overrides import Override

PLAIN: Final = "plain"
AVAILABLE_PROVIDERS[PLAIN] = AVAILABLE_PROVIDERS["hypothesis"]
# Of the requests to an operation at most so many are the systematic ones; most of these are unsound.
SYSTEMATIC: Final = 0.7
# Of those by chance, so many are unsound in something.
UNSOUND: Final = 0.2

Ids = Mapping[str, Sequence[str]]


def load(document: Mapping[str, Any], application: Any) -> Any:
    """The document as schemathesis knows it, of a program that is called without a network."""
    loaded = schemathesis.openapi.from_dict(dict(document))
    loaded.app = application
    # Every constant of the program: reading them takes longer than the requests.
    loaded.config.analysis.constants.enabled = False
    return loaded


def draw(operation: Any, count: int, *, start: int = 0) -> list[Any]:
    """So many requests to an operation, each another one; fewer, where it takes so little that there are no more."""
    drawn: dict[str, Any] = {}
    _add(drawn, _spread(_systematic(operation), round(count * SYSTEMATIC)))
    for attempt in range(3):
        missing = count - len(drawn)
        unsound = round(missing * UNSOUND)
        for mode, wanted in (
            (GenerationMode.NEGATIVE, unsound),
            (GenerationMode.POSITIVE, missing - unsound),
        ):
            _add(drawn, _by_chance(operation, mode, wanted + attempt, start + attempt))
    return list(drawn.values())[:count]


def _systematic(operation: Any) -> list[Any]:
    """What schemathesis calls coverage: each field left out, at its limits, beyond them, of another type."""
    return list(
        CoverageGenerator(
            operation=operation,
            generation_modes=list(GenerationMode),
            generation_config=operation.schema.config.generation_for(operation=operation, phase="coverage"),
            auth_storage=None,
            override=Override(),
            feedback=NO_FEEDBACK,
        )
    )


def _by_chance(operation: Any, mode: GenerationMode, count: int, start: int) -> list[Any]:
    found: list[Any] = []
    if count <= 0:
        return found

    @seed(start)
    @settings(
        max_examples=count + 1,  # the first one is the simplest there is, the same each time
        backend=PLAIN,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def keep(case: Any) -> None:
        found.append(case)

    keep()
    return found


def _spread(cases: Sequence[Any], most: int) -> Iterable[Any]:
    """Some of the cases, evenly from all of them."""
    return cases if len(cases) <= most else [cases[place * len(cases) // most] for place in range(most)]


def _add(drawn: dict[str, Any], cases: Iterable[Any]) -> None:
    for case in cases:
        drawn.setdefault(_key(case), case)


def _key(case: Any) -> str:
    parts = (case.path_parameters, case.query, dict(case.headers or {}), case.cookies, case.body)
    return repr((case.method, case.media_type, *parts))


# What was drawn, led to rows that are there


def lead(cases: Sequence[Any], paths: Sequence[Mapping[str, str]], ids: Ids) -> Iterator[Any]:
    """Let most ids in paths and bodies be those of rows, and most changes those of the state that there is."""
    ways = [*paths, {}]
    for place, case in enumerate(cases):
        if case.path_parameters and all(_is_id(drawn) for drawn in case.path_parameters.values()):
            case.path_parameters = {**case.path_parameters, **ways[place % len(ways)]}
        if "If-Match" in (case.headers or {}) and place % 4:
            case.headers["If-Match"] = "*"
        case.body = _led(case.body, ids)
        yield case


def _led(value: Any, ids: Ids, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _led(inner, ids, str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_led(inner, ids, name.removesuffix("s")) for inner in value]
    rows = ids.get(name.removesuffix("_id"))
    return rows[UUID(value).int % len(rows)] if rows and _is_id(value) else value


def _is_id(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False

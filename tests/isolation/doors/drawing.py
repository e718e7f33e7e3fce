"""Requests that schemathesis makes from the OpenAPI document: each limit and each omission, and then by chance.

Hypothesis tells its ways of drawing apart by name. Its own mutates what it has drawn and remembers all of it, to find
and to shrink what fails: that takes several times as long as the requests. What fails here is a single request, and is
shown whole, so the plain way is enough: each request is drawn for itself, from a seed.

Chance draws the parts of a request (ids of the path, headers, body …) and then puts them together: most operations have
their headers, cookies and ids in common, and these parts are drawn once for all of them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, Final
from uuid import UUID

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.internal.conjecture.choice import choice_constraints_key, choice_permitted
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, GLOBAL_CONSTANTS, HypothesisProvider
from schemathesis import GenerationMode
from schemathesis.generation.drivers import CoverageGenerator
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.generation.overrides import Override


class Plain(HypothesisProvider):
    """Leaves out the words of the program's own source: to ask each whether it fits takes longer than the requests.

    They would also differ from run to run, with what has been imported before.
    """

    def _maybe_draw_constant(self, choice_type: Any, constraints: Any, *, p: float = 0.05) -> Any:
        assert self._random is not None
        if self._random.random() > p:
            return None
        key = (choice_type, choice_constraints_key(choice_type, constraints))
        if key not in _fitting:
            known = GLOBAL_CONSTANTS.set_for_type(choice_type)
            _fitting[key] = [constant for constant in known if choice_permitted(constant, constraints)]
        return self._random.choice(_fitting[key]) if _fitting[key] else None


# Well-known troublemakers that fit what is asked for: dates of leap years, `null`, the ends of integers …
_fitting: dict[Any, list[Any]] = {}
PLAIN: Final = "plain"
AVAILABLE_PROVIDERS[PLAIN] = f"{Plain.__module__}.{Plain.__name__}"
# Of the requests to an operation at most so many are the systematic ones; most of these are unsound.
SYSTEMATIC: Final = 0.7
# Of those by chance, so many are unsound in something.
UNSOUND: Final = 0.2
# What a request is put together from, and what of it an operation has for itself.
PARTS: Final = ("path_parameters", "headers", "cookies", "query", "body")
OWN: Final = ("query", "body")
BODY: Final = ("body", "media_type", "multipart_content_types")
# Where so many requests in a row are none that was not there before, there are no more.
TRIES: Final = 50

Ids = Mapping[str, Sequence[str]]
Part = dict[str, Any]


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
    _add(drawn, _spread(_systematic(operation), round(count * SYSTEMATIC)), count)
    missing = count - len(drawn)
    unsound = round(missing * UNSOUND)
    chance = Random(f"{start} {operation.label}")
    sound_parts = _parts(operation, GenerationMode.POSITIVE, count, missing, chance, start)
    unsound_parts = _parts(operation, GenerationMode.NEGATIVE, count, unsound, chance, start)
    if unsound_parts:
        _add(drawn, _put_together(operation, sound_parts, unsound_parts, chance), len(drawn) + unsound)
    _add(drawn, _put_together(operation, sound_parts, {}, chance), count)
    return list(drawn.values())


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


def _spread(cases: Sequence[Any], most: int) -> Iterable[Any]:
    """Some of the cases, evenly from all of them."""
    return cases if len(cases) <= most else [cases[place * len(cases) // most] for place in range(most)]


def _add(drawn: dict[str, Any], cases: Iterable[Any], most: int) -> None:
    """Add what is not there yet, until there are so many."""
    in_vain = 0
    for case in cases:
        if len(drawn) >= most or in_vain >= TRIES:
            return
        before = len(drawn)
        drawn.setdefault(_key(case), case)
        in_vain = in_vain + 1 if len(drawn) == before else 0


def _key(case: Any) -> str:
    parts = (case.path_parameters, case.query, dict(case.headers or {}), case.cookies, case.body)
    return repr((case.method, case.media_type, *parts))


# By chance


def _put_together(
    operation: Any,
    sound: Mapping[str, Iterator[Part]],
    unsound: Mapping[str, Iterator[Part]],
    chance: Random,
) -> Iterator[Any]:
    """Requests without end; in each of them one part is unsound, or some are, if there are unsound ones."""
    while True:
        broken = {name for name in unsound if chance.random() < 0.5}
        broken = broken or set(chance.sample(list(unsound), min(1, len(unsound))))
        whole: Part = {}
        for name in sound:
            whole |= next(unsound[name] if name in broken else sound[name])
        yield operation.Case(**whole)


def _parts(
    operation: Any, mode: GenerationMode, count: int, missing: int, chance: Random, start: int
) -> dict[str, Iterator[Part]]:
    """For each part that the operation has, values without end."""
    found = {}
    for name in PARTS:
        if getattr(operation, name).items:
            values = (
                _values(operation, name, mode, missing, start)
                if name in OWN
                else _shared(operation, name, mode, count, start)
            )
            if values:
                found[name] = _shuffled(values, chance)
    return found


def _shuffled(values: Sequence[Part], chance: Random) -> Iterator[Part]:
    while True:
        yield from chance.sample(values, len(values))


_known: dict[tuple[Any, ...], list[Part]] = {}


def _shared(operation: Any, name: str, mode: GenerationMode, count: int, start: int) -> list[Part]:
    shape = json.dumps(getattr(operation, name).schema, sort_keys=True)
    key = (name, mode, shape, count, start)
    if key not in _known:
        # As many as there are requests: an idempotency key that comes twice is no more than a repetition.
        wanted = count if mode.is_positive else round(count * UNSOUND)
        _known[key] = _values(operation, name, mode, wanted, start)
    return _known[key]


def _values(operation: Any, name: str, mode: GenerationMode, count: int, start: int) -> list[Part]:
    """A part as schemathesis draws it: of an operation that has nothing else."""
    others = {other: _empty(getattr(operation, other)) for other in PARTS if other != name}
    cases = _by_chance(replace(operation, **others), mode, count, start)
    return [{each: getattr(case, each) for each in (BODY if name == "body" else (name,))} for case in cases]


def _empty(parameters: Any) -> Any:
    location = getattr(parameters, "location", None)
    return type(parameters)(location, adapter=parameters.adapter) if location else type(parameters)()


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

    try:
        keep()
    except Unsatisfiable:
        assert not mode.is_positive, f"{operation.label} takes nothing"  # nothing is unsound everywhere
    return found


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

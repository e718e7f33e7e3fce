"""Findings about the objects of a schema: all schemas of a generation have the same, and nothing leads out of one."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from shared_apps.fleet.doctor.differences import Difference, differences
from shared_apps.fleet.doctor.facts import Facts
from shared_apps.fleet.doctor.findings import Finding, Kind
from shared_apps.fleet.models import TEMPLATE_SCHEMA

SHOWN: Final = 8


def judge_catalogs(facts: Facts) -> Iterator[Finding]:
    """What cannot be used, what leads out, what belongs to others, and what differs."""
    for name, indexes in facts.invalid.items():
        yield _invalid(facts, name, indexes)
    for name, pairs in facts.outward.items():
        yield Finding(
            Kind.LEADS_OUT,
            name,
            f"It does not stand by itself: {_shown([f'{one} stands on {other}' for one, other in pairs])}.",
            "Drop that by hand: the tenant could not be exported, restored or moved.",
            objects=tuple(one for one, _ in pairs),
        )
    yield from _of_owners(facts)
    for name, model in drifted(facts).items():
        yield from _of_drift(facts, name, differences(facts.lines[facts.catalogs[name]], facts.lines[model]))


def drifted(facts: Facts) -> dict[str, str]:
    """Schemas whose catalog differs from the right one of their generation, with that one's fingerprint.

    Right is what most of them have; when that is nobody, what the template has.
    """
    votes: dict[str, Counter[str]] = {}
    for name, applied in facts.applied.items():
        if name in facts.catalogs:
            votes.setdefault(applied, Counter())[facts.catalogs[name]] += 1
    template = facts.catalogs.get(TEMPLATE_SCHEMA)
    right = {
        applied: max(counts, key=lambda each: (counts[each], each == template, each))
        for applied, counts in votes.items()
    }
    return {
        name: right[facts.applied[name]]
        for name, fingerprint in facts.catalogs.items()
        if name in facts.applied and fingerprint != right[facts.applied[name]]
    }


def _invalid(facts: Facts, name: str, indexes: list[str]) -> Finding:
    model = facts.lines.get(drifted(facts).get(name, ""))
    verbs = ["REINDEX" if model is None or _has_index(model, index) else "DROP" for index in indexes]
    statements = [
        f'{verb} INDEX CONCURRENTLY "{name}"."{index}"' for verb, index in zip(verbs, indexes, strict=True)
    ]
    return Finding(
        Kind.INVALID_INDEX,
        name,
        f"Invalid, so that no query uses it: index {', '.join(indexes)}.",
        "Mending builds it anew, or drops it where the others of its generation have none.",
        mendable=True,
        objects=tuple(indexes),
        statements=tuple(statements),
    )


def _has_index(lines: list[str], index: str) -> bool:
    return any(line.startswith(f"index {index} ") for line in lines)


def _of_owners(facts: Facts) -> Iterator[Finding]:
    for name, owner in facts.standing.items():
        owned = facts.foreign_owners.get(name, [])
        wrong = ([f"the schema is {owner}'s"] if owner != facts.migrator else []) + [
            f"{table} is {its_owner}'s" for table, its_owner in owned
        ]
        if wrong:
            yield Finding(
                Kind.WRONG_OWNER,
                name,
                f"Not everything in it belongs to {facts.migrator}: {_shown(wrong)}.",
                f'As administrator: ALTER SCHEMA "{name}" OWNER TO {facts.migrator}, ALTER TABLE … OWNER TO it.',
                objects=tuple(table for table, _ in owned),
            )


def _of_drift(facts: Facts, name: str, found: list[Difference]) -> Iterator[Finding]:
    """Tables and constraints that are only not validated have kinds of their own; the rest is drift."""
    missing = [each for each in found if each.sort == "table" and each.how == "missing"]
    left_over = [each for each in found if each.sort == "table" and each.how == "left over"]
    unvalidated = [
        each
        for each in found
        if (each.table, each.name) in facts.unvalidated.get(name, []) and not _is_told(facts, name, each)
    ]
    apart = {*missing, *left_over, *unvalidated}
    rest = [each for each in found if each not in apart and not _is_told(facts, name, each)]
    if missing:
        advice = "Restore the tenant from a backup; nothing can serve it."
        yield _finding(Kind.MISSING_TABLE, name, missing, advice)
    if left_over:
        advice = "If nobody needs its rows, drop it."
        yield _finding(Kind.LEFT_OVER_TABLE, name, left_over, advice)
    if unvalidated:
        yield _unvalidated(name, unvalidated)
    if rest:
        advice = f"Compare with a healthy schema ({_healthy(facts, name)}), and do by hand what is missing or too much."
        yield _finding(Kind.DRIFT, name, rest, advice)


def _is_told(facts: Facts, name: str, each: Difference) -> bool:
    """Whether a finding of another kind is about it."""
    if each.sort == "index" and each.name in facts.invalid.get(name, []):
        return True
    return any(f"{each.sort} {each.name} " in f"{one} " for one, _ in facts.outward.get(name, []))


def _healthy(facts: Facts, name: str) -> str:
    right = drifted(facts)[name]
    return next(
        each
        for each in (TEMPLATE_SCHEMA, *facts.catalogs)
        if facts.catalogs.get(each) == right and facts.applied.get(each) == facts.applied[name]
    )


def _unvalidated(name: str, found: list[Difference]) -> Finding:
    statements = [f'ALTER TABLE "{name}"."{each.table}" VALIDATE CONSTRAINT "{each.name}"' for each in found]
    only_that = all(each.how == "changed" for each in found)
    return Finding(
        Kind.NOT_VALIDATED,
        name,
        f"Not validated for older rows: {_shown([f'{each.sort} {each.name} of {each.table}' for each in found])}.",
        "Mending validates it, if all rows keep it."
        if only_that
        else "Drop it: the others of its generation have none.",
        mendable=only_that,
        objects=tuple(each.name for each in found),
        statements=tuple(statements) if only_that else (),
    )


def _finding(kind: Kind, name: str, found: list[Difference], advice: str) -> Finding:
    what = f"It differs from the others of its generation: {_shown([str(each) for each in found])}."
    return Finding(kind, name, what, advice, objects=tuple(each.name for each in found))


def _shown(parts: list[str]) -> str:
    more = f" and {len(parts) - SHOWN} more" if len(parts) > SHOWN else ""
    return "; ".join(parts[:SHOWN]) + more

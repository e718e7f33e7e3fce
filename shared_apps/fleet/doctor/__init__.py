"""The doctor of the fleet: finds what is wrong with schemas, roles, rights and ledger, and mends what is safe to mend.

`examine()` asks the catalog about all schemas at once, never one by one; `mend()` mends one finding.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from shared_apps.fleet.doctor.drifting import judge_catalogs
from shared_apps.fleet.doctor.facts import Facts, gather
from shared_apps.fleet.doctor.findings import Finding, Kind
from shared_apps.fleet.doctor.judging import judge_generations, judge_ledger
from shared_apps.fleet.doctor.mending import DROPPED, mend
from shared_apps.fleet.doctor.rights import judge_grants, judge_public, judge_roles, judge_sentinels

__all__ = ["Finding", "Kind", "examine", "mend"]
# In the order in which they can be mended: a role before its rights, the catalog before what the ledger says of it.
JUDGES = (
    judge_roles,
    judge_grants,
    judge_public,
    judge_sentinels,
    judge_catalogs,
    judge_generations,
    judge_ledger,
)


def examine(schemas: Iterable[str] | None = None) -> Iterator[Finding]:
    """Everything that is wrong with the fleet, or with the schemas that are named."""
    facts, named = gather(), None if schemas is None else set(schemas)
    for judge in JUDGES:
        for finding in judge(facts):
            if named is None or finding.schema in named:
                yield _droppable(facts, finding)


def _droppable(facts: Facts, finding: Finding) -> Finding:
    """A member of the pool that cannot be mended can be made anew."""
    entry = facts.ledger.get(finding.schema)
    if finding.mendable or entry is None or not entry.is_ready or finding.kind not in DROPPED:
        return finding
    if finding.schema in facts.clients:
        return finding
    return replace(finding, mendable=True, advice="Mending drops it: it is the pool's, which makes another.")

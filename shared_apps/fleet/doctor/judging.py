"""From facts to findings about schemas, ledger, clients and generations, said so that somebody can act on them."""

from collections.abc import Iterator
from typing import Final

from shared_apps.fleet.doctor.drifting import drifted
from shared_apps.fleet.doctor.facts import Entry, Facts
from shared_apps.fleet.doctor.findings import Finding, Kind
from shared_apps.fleet.models import TEMPLATE_SCHEMA, Schema
from shared_apps.fleet.planning import KnowingLoader

SHOWN: Final = 6


def judge_ledger(facts: Facts) -> Iterator[Finding]:
    """Schemas, ledger and clients must name each other."""
    for name in sorted(facts.standing.keys() - facts.ledger.keys()):
        yield _unlisted(facts, name)
    for name, entry in facts.ledger.items():
        yield from _of_entry(facts, name, entry)
    for name in sorted(facts.clients.keys() - facts.standing.keys()):
        yield Finding(
            Kind.CLIENT_WITHOUT_SCHEMA,
            name,
            f"Client {facts.clients[name]} names this schema, which is not there.",
            "Restore the tenant from a backup, or delete the client.",
        )


def _unlisted(facts: Facts, name: str) -> Finding:
    if name in facts.clients:
        what = "A client has this schema, but the ledger has no row for it."
        return Finding(
            Kind.UNLISTED, name, what, "Mending writes what the schema says of itself.", mendable=True
        )
    return Finding(
        Kind.ORPHAN,
        name,
        "The schema has neither a row in the ledger nor a client.",
        f'Nothing drops it by itself. If nobody needs what is in it: DROP SCHEMA "{name}" CASCADE.',
    )


def _of_entry(facts: Facts, name: str, entry: Entry) -> Iterator[Finding]:
    stands = name in facts.standing
    if entry.state == Schema.State.RESERVED:
        if stands:
            what = "The ledger says that only its role is there, but the schema is."
            yield Finding(
                Kind.RESERVED_BUILT, name, what, "No sign-up can build it: look what is in it, and drop it."
            )
    elif not stands:
        yield _gone(name, entry)
    yield from _of_owner(facts, name, entry)
    if entry.halfway and not facts.is_running:
        yield Finding(
            Kind.HALFWAY,
            name,
            f"A migration stopped in the middle: {entry.halfway}.",
            "Run `manage.py migrate`, which goes on where it stopped.",
        )
    if entry.failure and entry.state == Schema.State.OWNED:
        what = f"It could not be migrated: {entry.failure.rstrip('.')}."
        yield Finding(Kind.FAILED, name, what, "Mend what it says and run `manage.py migrate` again.")


def _gone(name: str, entry: Entry) -> Finding:
    what = "The ledger has a row for this schema, which is not there."
    if entry.is_ready:
        return Finding(Kind.GONE, name, what, "Mending removes the row: it is the pool's.", mendable=True)
    return Finding(Kind.GONE, name, what, "Restore the tenant from a backup, or remove the row.")


def _of_owner(facts: Facts, name: str, entry: Entry) -> Iterator[Finding]:
    owner = facts.clients.get(name)
    if owner is None:
        if entry.state == Schema.State.OWNED and name in facts.standing:
            what = f"The ledger says that tenant {entry.tenant_id} owns it, but no client has this schema."
            yield Finding(
                Kind.OWNED_BY_NOBODY,
                name,
                what,
                "Ask the audit log whose it was. Nothing drops it by itself.",
            )
        return
    if entry.is_ready:
        what = "It waits in the pool for a sign-up, but a client has it already."
        yield Finding(Kind.TAKEN, name, what, "Mending says in the ledger that it is owned.", mendable=True)
    if owner != entry.tenant_id:
        yield Finding(
            Kind.WRONG_OWNER_ID,
            name,
            f"The ledger says that it is tenant {entry.tenant_id}'s, the client who has it is {owner}.",
            "Suspend the tenant until it is known who is right; the sentinel in the schema is a third opinion.",
        )


def judge_generations(facts: Facts) -> Iterator[Finding]:
    """Baseline, template and pool must be of one generation, and each schema of the one that the ledger says."""
    yield from _of_baseline(facts)
    known = _known_migrations()
    for name in facts.standing:
        if name not in facts.applied:
            what = "Its table of migrations is missing or cannot be read."
            yield Finding(
                Kind.NO_MIGRATIONS,
                name,
                what,
                "Restore django_migrations from a backup; nothing can migrate it.",
            )
            continue
        yield from _unknown(name, sorted(set(facts.migrations[facts.applied[name]]) - known))
        if name in facts.ledger:
            yield from _of_generation(facts, name, facts.ledger[name])


def _of_baseline(facts: Facts) -> Iterator[Finding]:
    template = (facts.applied.get(TEMPLATE_SCHEMA), facts.catalogs.get(TEMPLATE_SCHEMA))
    if facts.is_running or facts.baseline == template:
        return
    can_be_trusted = None not in template and TEMPLATE_SCHEMA not in drifted(facts)
    yield Finding(
        Kind.BASELINE,
        TEMPLATE_SCHEMA,
        "The baseline, of which new schemas are made, is not what the template is.",
        "Mending compiles it anew."
        if can_be_trusted
        else "Put the template right first, then compile it anew.",
        mendable=can_be_trusted,
    )


def _unknown(name: str, unknown: list[tuple[str, str]]) -> Iterator[Finding]:
    if not unknown:
        return
    names = tuple(".".join(each) for each in unknown)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    yield Finding(
        Kind.UNKNOWN_MIGRATION,
        name,
        f"It has migrations that this code does not know: {', '.join(names[:SHOWN])}{more}.",
        "If newer code was here, deploy that again, or migrate backwards with it.",
        objects=names,
    )


def _of_generation(facts: Facts, name: str, entry: Entry) -> Iterator[Finding]:
    if entry.state == Schema.State.RESERVED:
        return
    if wrong := _wrong_in_ledger(facts, name):
        what = f"The ledger is wrong about {wrong}."
        yield Finding(Kind.LEDGER, name, what, "Mending writes what the schema itself says.", mendable=True)
    if (
        entry.is_ready
        and facts.baseline
        and facts.applied[name] != facts.baseline[0]
        and not facts.is_running
    ):
        yield Finding(
            Kind.LAGGING,
            name,
            "It waits in the pool with other migrations than the baseline has.",
            "Run `manage.py migrate`. Mending drops it, and the pool makes another.",
            mendable=True,
        )


def _wrong_in_ledger(facts: Facts, name: str) -> str:
    applied, fingerprint = facts.claimed[name]
    wrong = ["its migrations"] if applied != facts.applied[name] else []
    if name in facts.catalogs and fingerprint != facts.catalogs[name] and not facts.is_running:
        wrong.append("its catalog")
    return " and ".join(wrong)


def _known_migrations() -> set[tuple[str, str]]:
    disk = KnowingLoader([]).disk_migrations
    return {*disk, *(part for migration in disk.values() for part in migration.replaces)}

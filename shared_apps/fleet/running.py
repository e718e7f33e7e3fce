"""Migrating the fleet: public, the template, a few canaries, then everybody else in waves.

The cost follows the change: each migration is run once for each kind of schema, by Django's executor, and what it sent
is replayed on the others of that kind. A kind is a set of migrations and a catalog. Everything a run has to know is in
the ledger, which each schema's own transaction updates; a run that is killed anywhere is simply started again.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import count, islice
from time import sleep
from typing import Any, Final

import psycopg
from django.db import OperationalError, connections
from django.utils import timezone

from shared_apps.fleet.course import Course
from shared_apps.fleet.grants import public_grants, regrants, rights_digest
from shared_apps.fleet.ledger import adopt_unlisted, enter_in_ledger, kind_seen, measure_anew
from shared_apps.fleet.models import TEMPLATE_SCHEMA, Baseline, Run, Schema
from shared_apps.fleet.planning import Step, Target
from shared_apps.fleet.progress import Reporter, Silence
from shared_apps.fleet.public import PublicMigration
from shared_apps.fleet.recording import Kind, run_step
from shared_apps.fleet.replaying import act_for, has_moved, is_busy
from shared_apps.fleet.template import fill_template, make_template, renew_baseline, rows_from_template
from shared_apps.fleet.workers import Workers, aside, connect, waiting_at_most
from tenants.routers import CONTROL_ALIAS, MIGRATOR_ALIAS

RUN_LOCK: Final = 727002
READY_FIRST: Final = (
    "-state"  # "ready" before "owned": a member of the pool is a better canary than a customer
)
# Most of a replay is the server's work; it is often on the same machine.
WORKERS: Final = min(max(os.cpu_count() or 2, 2), 8)
HOW_ON: Final = "`manage.py fleet status` says why; run `manage.py migrate` again when it is mended."


class Stopped(RuntimeError):
    """The run was ended before the fleet was through; what is done stays done."""


class AlreadyRunning(RuntimeError):
    """Another run has the fleet in hand."""


@dataclass(frozen=True)
class Options:
    """How a run goes about it."""

    targets: tuple[Target, ...] = ()
    fake: bool = False
    workers: int = WORKERS
    wave: int = 250
    canaries: tuple[str, ...] = ()  # chosen by name, or else
    canary_count: int = 2
    only: tuple[str, ...] = ()
    budget: int = 3  # failures that a run bears
    tries: int = 6
    lock_timeout: float = 2.0


@contextmanager
def the_only_run() -> Iterator[None]:
    """Keep other runs out, for as long as this process lives. Raises AlreadyRunning."""
    with connect() as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [RUN_LOCK]).fetchone()
        if row is None or not row[0]:
            raise AlreadyRunning(
                "The fleet is being migrated already. `manage.py fleet status` shows by which run; wait until it has"
                " ended. If its process was killed, the server lets go as soon as its last statement is done."
            )
        try:
            yield
        finally:
            # The server notices a closed connection a moment later, and the next run may begin before that. One that is
            # gone itself holds nothing.
            with suppress(psycopg.Error):
                connection.execute("SELECT pg_advisory_unlock(%s)", [RUN_LOCK])


def is_at_work() -> bool:
    """Whether some process has a run in hand; one that was killed has not, whatever its row says."""
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
            [RUN_LOCK],
        )
        return bool(cursor.fetchone()[0])


def migrate_fleet(options: Options, report: Reporter | None = None) -> Run:
    """Migrate public, the template and every schema; raises AlreadyRunning, Stopped, or what public raised."""
    with the_only_run():
        return FleetMigration(options, report or Silence()).run()


class FleetMigration:
    """One run."""

    _crew: Workers
    _baseline: Future[None]

    def __init__(self, options: Options, report: Reporter) -> None:
        self.options, self.report = options, report
        self._course = Course(options.targets, fake=options.fake)
        self._trailing: tuple[str, ...] = ()
        self._tries: Counter[str] = Counter()
        self._failed: dict[str, str] = {}
        self._done = 0

    def run(self) -> Run:
        """Everything, in order; the run's row says how it went."""
        public = PublicMigration(self.options.targets, fake=self.options.fake)
        self._public(public, public.first)
        run = _open_run(self.options)
        try:
            with self._crew_at_work():
                self._template()
                adopt_unlisted()
                self._fleet(run)
                self._rights()
            self._public(public, public.last)
        except BaseException as error:
            self._close(run, Run.Outcome.STOPPED, f"{type(error).__name__}: {error}")
            raise
        self._close(run, Run.Outcome.DONE, "")
        return run

    @contextmanager
    def _crew_at_work(self) -> Iterator[None]:
        milliseconds = int(self.options.lock_timeout * 1000)
        with Workers(self.options.workers, milliseconds) as self._crew, waiting_at_most(milliseconds):
            yield

    # Public and the template

    def _public(self, public: PublicMigration, steps: list[Step]) -> None:
        for step in steps:
            self.report.say("public", f"public: {step}", step=str(step))
        if public.run(steps):
            _grant_public()

    def _template(self) -> None:
        """The first canary: used by nobody, and of the same kind as nearly everybody."""
        make_template()
        measure_anew()
        changed = False
        while (step := self._course.next_step(kind := _kind_of(TEMPLATE_SCHEMA))) is not None:
            self._crew.open_ahead()
            self.report.say("template", f"template: {step}", step=str(step))
            self._by_executor(TEMPLATE_SCHEMA, step, kind)
            changed = True
        if changed:
            fill_template()
        # While the others are migrated. Who signs up from the old baseline until then is found behind at the end.
        self._baseline = aside(renew_baseline)
        self._trailing = rows_from_template()

    # The fleet

    def _fleet(self, run: Run) -> None:
        names = self._behind()
        run.schemas = len(names)
        if names:
            self.report.begin(len(names))
        try:
            while True:
                self._waves(names)
                # Before the last look: sign-ups may have taken schemas of the old kind meanwhile.
                self._baseline.result()
                if not (names := self._behind()):
                    break
        finally:
            self.report.end()
            wait([self._baseline])
        if self._failed:
            raise Stopped(
                f"{_counted(len(self._failed))} could not be migrated: {self._first_failure()}. {HOW_ON}"
            )

    def _waves(self, names: list[str]) -> None:
        if not names:
            return
        canaries, others = self._parted(names)
        self._wave("canaries", canaries)
        self._verify(canaries)
        for number, wave in enumerate(_chunks(others, self.options.wave), 1):
            self._wave(f"wave {number}", wave)

    def _behind(self) -> list[str]:
        """Schemas that need a step, those first that nobody uses yet."""
        found = Schema.objects.using(MIGRATOR_ALIAS).standing().exclude(name=TEMPLATE_SCHEMA)
        if self.options.only:
            found = found.filter(name__in=self.options.only)
        kinds = found.order_by().values_list("applied", flat=True).distinct()
        needy = [applied for applied in kinds if self._course.steps(applied)]
        rows = found.filter(applied__in=needy).order_by(READY_FIRST, "owned_at", "name")
        return [name for name in rows.values_list("name", flat=True) if name not in self._failed]

    def _parted(self, names: list[str]) -> tuple[list[str], list[str]]:
        chosen = [name for name in names if name in self.options.canaries]
        canaries = chosen or names[: self.options.canary_count]
        return canaries, [name for name in names if name not in set(canaries)]

    def _wave(self, title: str, names: list[str]) -> None:
        self.report.say("wave", f"{title}: {_counted(len(names))}", wave=title, schemas=len(names))
        self._bring(names)

    def _verify(self, canaries: list[str]) -> None:
        """Look at the canaries themselves: what was replayed must have made what the recording says."""
        migrated = [name for name in canaries if name not in self._failed]
        seen: dict[str, Kind] = {}
        for name, error in self._crew.each(
            migrated, lambda own, name: seen.update({name: kind_seen(own, name)})
        ):
            if error is not None:
                raise error
            if seen[name] != _kind_of(name):
                raise Stopped(
                    f"Canary {name} is not what its migrations make elsewhere, so no other schema was touched."
                    " `manage.py fleet doctor` names the difference."
                )

    def _bring(self, names: list[str]) -> None:
        """Take schemas step by step to where they need no more; those that are busy come again at the end."""
        left = set(names)
        for turn in count():
            busy: set[str] = set()
            while kinds := self._kinds(left - busy - set(self._failed)):
                for kind, members in kinds.items():
                    busy |= self._take_step(kind, members)
            left = busy - set(self._failed)
            if not left:
                return
            self.report.say("retry", f"{_counted(len(left))} busy, trying again", schemas=sorted(left))
            sleep(min(0.2 * 2**turn, 5.0))

    def _kinds(self, names: Iterable[str]) -> dict[Kind, list[str]]:
        """Those that need a step, by kind."""
        rows = Schema.objects.using(MIGRATOR_ALIAS).filter(name__in=list(names)).order_by(READY_FIRST, "name")
        kinds: dict[Kind, list[str]] = {}
        for name, applied, fingerprint in rows.values_list("name", "applied", "fingerprint"):
            if self._course.steps(applied):
                kinds.setdefault((applied, fingerprint), []).append(name)
        return kinds

    def _take_step(self, kind: Kind, members: list[str]) -> set[str]:
        """One step for schemas of one kind; answers with those that were busy."""
        step = self._course.next_step(kind)
        assert step is not None, "only kinds that need a step are asked for"
        busy: set[str] = set()
        while members and (recording := self._course.recording(step, kind)) is None:
            name, *members = members
            try:
                self._by_executor(name, step, kind)
            except Exception as error:  # noqa: BLE001  (it is the schema's; the others have another canary)
                busy |= self._settle(name, step, kind, error)
            else:
                busy |= self._settle(name, step, kind, None)
        if members:
            assert recording is not None
            act = act_for(
                recording, step, lambda: self._course.state(step, kind), self._trailing_of(step, kind)
            )
            for name, failure in self._crew.each(members, act):
                busy |= self._settle(name, step, kind, failure)
        return busy

    def _by_executor(self, schema: str, step: Step, kind: Kind) -> None:
        """Run a step by Django's executor and keep what it sent for the others of this kind."""
        recording = run_step(
            schema, step, kind, self._course.state(step, kind), trailing=self._trailing_of(step, kind)
        )
        self._course.keep(step, kind, recording)

    # What became of a schema

    def _settle(self, name: str, step: Step, kind: Kind, error: Exception | None) -> set[str]:
        """Count a schema's step, or judge its error; answers with the schema's name if it has to come again."""
        if error is None:
            if self._course.is_last(step, kind):
                self._done += 1
                self.report.advance(self._done, len(self._failed))
            return set()
        self._tries[name] += 1
        if is_busy(error) and self._tries[name] < self.options.tries:
            return {name}
        if not is_busy(error) and self._tries[name] == 1 and self._is_other(name, kind, error):
            return set()
        self._fail(name, step, error)
        return set()

    def _is_other(self, name: str, kind: Kind, error: Exception) -> bool:
        """Whether a schema is not of the kind that the ledger said; it then goes its own way in the next round."""
        if _kind_of(name) == kind and not has_moved(error):
            schema = Schema.objects.using(MIGRATOR_ALIAS).get(name=name)
            enter_in_ledger(name, schema.tenant_id, schema.state)
        if _kind_of(name) == kind:
            return False
        self.report.say("drifted", f"{name} differs from the others and is migrated by itself", schema=name)
        return True

    def _fail(self, name: str, step: Step, error: Exception) -> None:
        text = f"{step}: {type(error).__name__}: {str(error).strip()}"
        self._failed[name] = text
        # Somebody may hold the schema's row itself; the run's note names it all the same.
        with suppress(OperationalError):
            Schema.objects.using(MIGRATOR_ALIAS).filter(name=name).update(
                failure=text, failed_at=timezone.now()
            )
        self.report.say("failed", f"{name} failed at {text}", schema=name, step=str(step), error=str(error))
        self.report.advance(self._done, len(self._failed))
        if len(self._failed) > self.options.budget:
            raise Stopped(
                f"{_counted(len(self._failed))} failed, more than the {self.options.budget} that are borne:"
                f" {self._first_failure()}. {HOW_ON}"
            )

    def _first_failure(self) -> str:
        return " failed at ".join(next(iter(self._failed.items())))

    def _trailing_of(self, step: Step, kind: Kind) -> tuple[str, ...]:
        return self._trailing if self._course.is_last(step, kind) else ()

    # Rights, and the run's own row

    def _rights(self) -> None:
        """Where the apps declare other rights than before, give them to every role."""
        baseline, digest = Baseline.objects.using(MIGRATOR_ALIAS), rights_digest()
        if self.options.targets or baseline.filter(rights=digest).exists():
            return
        _grant_public()
        standing = Schema.objects.using(MIGRATOR_ALIAS).standing().exclude(name=TEMPLATE_SCHEMA)
        names = list(standing.values_list("name", flat=True))
        failures = [
            f"{name}: {error}"
            for name, error in self._crew.each(
                names, lambda connection, name: _run(connection, regrants(name))
            )
            if error is not None
        ]
        if failures:
            raise Stopped(
                f"The rights of {_counted(len(failures))} are not up to date: {failures[0]}. {HOW_ON}"
            )
        baseline.update(rights=digest)

    def _close(self, run: Run, outcome: str, note: str) -> None:
        run.outcome, run.note, run.finished_at = outcome, note[:2000], timezone.now()
        run.migrated, run.failed = self._done, len(self._failed)
        # This commit waits for the disk, and for all that were made before it without waiting.
        run.save(using=MIGRATOR_ALIAS)
        self.report.say(
            "end", f"{run.get_outcome_display()}: {_counted(self._done)} migrated, {run.failed} failed. {note}".strip(),
            outcome=outcome, migrated=self._done, failed=run.failed, run=run.id,
        )  # fmt: skip


def _open_run(options: Options) -> Run:
    runs = Run.objects.using(MIGRATOR_ALIAS)
    runs.filter(outcome=Run.Outcome.RUNNING).update(outcome=Run.Outcome.BROKEN, finished_at=timezone.now())
    return runs.create(options=asdict(options))


def _kind_of(schema: str) -> Kind:
    row = Schema.objects.using(MIGRATOR_ALIAS).filter(name=schema).values_list("applied", "fingerprint")
    applied, fingerprint = row.get()
    return applied, fingerprint


def _grant_public() -> None:
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute(";".join(public_grants(str(connections[CONTROL_ALIAS].settings_dict["USER"]))))


def _counted(number: int) -> str:
    return f"{number} schema{'' if number == 1 else 's'}"


def _chunks(names: list[str], size: int) -> Iterator[list[str]]:
    rest = iter(names)
    while chunk := list(islice(rest, size)):
        yield chunk


def _run(connection: "psycopg.Connection[Any]", statements: list[str]) -> None:
    connection.execute("\n;".join(["BEGIN", *statements, "COMMIT"]))

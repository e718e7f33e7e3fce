"""A worker's hold of one operation: claimed, kept alive by a heartbeat, ended whatever happens.

The rows of a tenant are written in one transaction, so a worker that was killed leaves either nothing or rows that
are committed. In the first case the next worker begins anew; in the second the operation's phase, which was committed
with the rows, tells it to go on with the files.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction
from django.db.models import F
from django.utils import timezone

from shared_apps.clients.models import Client
from shared_apps.lifecycle.models import Operation
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import DomainError
from tenants.routers import CONTROL_ALIAS, MIGRATOR_ALIAS

BEAT_SECONDS: Final = 2.0
MOST_ATTEMPTS: Final = 10
WORKER: Final = Actor.system("lifecycle")
# The database went away, or somebody held a lock for too long: the sweep sends the operation again.
PASSING: Final = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
log = structlog.get_logger("rowhouse.lifecycle")


class Interrupted(Exception):
    """Another worker has the operation now."""


class StuckOperation(DomainError):
    """Worker after worker died over this operation."""

    code = "stuck_operation"
    title = "The operation was given up"


@dataclass
class Hold:
    """One worker's hold of one operation, and how far it has come."""

    operation: Operation
    lease: UUID
    show: "Callable[[Hold], None] | None" = None
    rows: int = 0
    total: int = 0
    at: str = ""
    lost: threading.Event = field(default_factory=threading.Event)

    def begin(self, total: int) -> None:
        """Say how many rows there are, as far as that is known."""
        self.rows, self.total = 0, total
        self.note("")

    def note(self, at: str) -> None:
        """Say what is being worked on."""
        self.at = at
        self.advance(0)

    def advance(self, rows: int) -> None:
        """Count rows done; raises Interrupted when another worker has taken over."""
        if self.lost.is_set():
            raise Interrupted
        self.rows += rows
        self.total = max(self.total, self.rows)
        if self.show:
            self.show(self)

    def keep(self, *, using: str = CONTROL_ALIAS, **values: Any) -> None:
        """Write to the operation's row, in the transaction that is open there; raises Interrupted if it is lost."""
        mine = Operation.objects.using(using).filter(pk=self.operation.pk, lease=self.lease)
        if not mine.update(**values, updated_at=timezone.now()):
            raise Interrupted
        for name, value in values.items():
            setattr(self.operation, name, value)

    def finish(self, verb: str, target: Client, *, using: str = CONTROL_ALIAS, **values: Any) -> None:
        """The operation's end, with its entry in the audit log."""
        done = {"status": Operation.Status.DONE, "phase": Operation.Phase.FINISHED, "at": "", "error": ""}
        with transaction.atomic(using=using):
            self.keep(using=using, **{**done, **self._progress(), "finished_at": timezone.now(), **values})
            told = {"operation": str(self.operation.pk), "requested_by": self.operation.requested_by}
            record(actor=WORKER, verb=verb, target=target, data=told, using=using)

    def beat(self) -> None:
        """Tell that the worker lives."""
        try:
            self.keep(heartbeat_at=timezone.now(), at=self.at[:200], **self._progress())
        except Interrupted:
            self.lost.set()
        except DatabaseError:
            log.warning("operation.heartbeat_failed", operation_id=str(self.operation.pk), exc_info=True)

    def _progress(self) -> dict[str, Any]:
        return {"rows_done": self.rows, "rows_total": self.total}

    @contextmanager
    def beating(self) -> Iterator[None]:
        """A heartbeat for the length of the work, from a thread: one statement may take minutes."""
        over = threading.Event()
        heart = threading.Thread(
            target=_beat_until, args=(self, over), name="operation-heartbeat", daemon=True
        )
        heart.start()
        try:
            yield
        finally:
            over.set()
            heart.join()


def _beat_until(hold: Hold, over: threading.Event) -> None:
    try:
        while not over.wait(BEAT_SECONDS):
            hold.beat()
    finally:
        connections.close_all()


Work = Callable[[Hold], None]


def run(
    operation_id: UUID, works: dict[str, tuple[Work, Work]], show: Callable[[Hold], None] | None = None
) -> None:
    """Do what is left of an operation; returns at once if it is in other hands or has ended.

    `works` names for each kind its work, and what undoes a failed one inside the migrator's transaction.
    """
    hold = claim(operation_id)
    if hold is None:
        return
    hold.show = show
    work, undo = works[hold.operation.kind]
    with structlog.contextvars.bound_contextvars(operation_id=str(operation_id)):
        try:
            _refuse_stuck(hold)
            with hold.beating():
                work(hold)
        except Interrupted:
            log.warning("operation.lost")
        except PASSING as error:
            log.warning("operation.put_back", exc_info=True)
            _put_back(hold, error)
        except Exception as error:
            if not isinstance(error, DomainError):
                log.exception("operation.failed")
            _fail(hold, error, undo)


def claim(operation_id: UUID) -> Hold | None:
    """Take an operation in hand; None if a living worker has it, or there is nothing to do."""
    now, lease = timezone.now(), uuid4()
    claimed = (
        Operation.objects.claimable(now)
        .filter(pk=operation_id)
        .update(
            status=Operation.Status.RUNNING,
            lease=lease,
            heartbeat_at=now,
            updated_at=now,
            attempts=F("attempts") + 1,
        )
    )
    if not claimed:
        return None
    operation = Operation.objects.get(pk=operation_id)
    hold = Hold(operation, lease)
    if operation.started_at is None:
        hold.keep(started_at=now)
    return hold


def _refuse_stuck(hold: Hold) -> None:
    if hold.operation.attempts > MOST_ATTEMPTS:
        last = hold.operation.error or "no worker lived to say why"
        raise StuckOperation(f"{MOST_ATTEMPTS} attempts have failed: {last}")


def _put_back(hold: Hold, error: Exception) -> None:
    connections[MIGRATOR_ALIAS].close()
    try:
        hold.keep(status=Operation.Status.WAITING, lease=None, error=f"Will be tried again: {error}".strip())
    except (Interrupted, DatabaseError):
        log.warning("operation.not_put_back", exc_info=True)  # its lease will grow stale


def _fail(hold: Hold, error: Exception, undo: Work) -> None:
    """Undo what was begun and say why, in one transaction: whoever is killed here leaves the operation running."""
    text = error.detail if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
    with transaction.atomic(using=MIGRATOR_ALIAS):
        undo(hold)
        hold.keep(
            using=MIGRATOR_ALIAS,
            status=Operation.Status.FAILED,
            error=text,
            finished_at=timezone.now(),
            lease=None,
        )
        told = {"kind": hold.operation.kind, "error": text[:1000]}
        record(actor=WORKER, verb="operation.failed", target=hold.operation, data=told, using=MIGRATOR_ALIAS)

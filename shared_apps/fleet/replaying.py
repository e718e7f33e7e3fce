"""Taking other schemas the way that one has gone, each in a transaction of its own, and judging what goes wrong."""

from collections.abc import Callable
from typing import Any, Final

import psycopg
from django.db import DatabaseError
from django.db.migrations.state import ProjectState

from shared_apps.fleet.models import Recording
from shared_apps.fleet.planning import Step
from shared_apps.fleet.recording import Kind, run_step
from shared_apps.fleet.statements import Moved, begin_apart, ending, run_apart, send, whole
from shared_apps.fleet.workers import Act

# Lock timeout, deadlock, serialisation failure, statement timeout, object in use: another time it may go.
BUSY: Final = ("55P03", "40P01", "40001", "57014", "55006")
ZERO_DIVISION: Final = "22012"  # how `statements.move` says that the schema has moved


def act_for(
    recording: Recording, step: Step, state: Callable[[], ProjectState], trailing: tuple[str, ...]
) -> Act:
    """What is to be done to each schema of the recording's kind, by the lane of the recording."""
    if recording.lane == Recording.Lane.REPLAY:
        return lambda connection, schema: _replay(connection, schema, recording, trailing)
    if recording.lane == Recording.Lane.STEPS:
        return lambda connection, schema: _go_apart(connection, schema, recording, step, trailing)
    return lambda connection, schema: _execute(schema, recording, step, state, trailing)


def kind_of(recording: Recording) -> Kind:
    """The kind of schema that a recording is for."""
    return recording.from_applied, recording.from_fingerprint


def is_busy(error: Exception) -> bool:
    """Whether somebody else was in the way, so that it may go another time."""
    return _state_of(error) in BUSY or _is_broken(error)


def has_moved(error: Exception) -> bool:
    """Whether the schema was not of the kind that the ledger had named."""
    return isinstance(error, Moved) or _state_of(error) == ZERO_DIVISION


def _replay(
    connection: psycopg.Connection[Any], schema: str, recording: Recording, trailing: tuple[str, ...]
) -> None:
    send(connection, whole(recording, schema, trailing))


def _go_apart(
    connection: psycopg.Connection[Any],
    schema: str,
    recording: Recording,
    step: Step,
    trailing: tuple[str, ...],
) -> None:
    done = begin_apart(connection, schema, step, kind_of(recording))
    for number, statement in enumerate(recording.statements, 1):
        if number > done:
            run_apart(connection, schema, number, statement)
    connection.execute(ending(recording, schema, trailing))


def _execute(
    schema: str,
    recording: Recording,
    step: Step,
    state: Callable[[], ProjectState],
    trailing: tuple[str, ...],
) -> None:
    run_step(schema, step, kind_of(recording), state(), known=recording, trailing=trailing)


def _state_of(error: BaseException | None) -> str:
    """The SQLSTATE, also where Django has wrapped the error."""
    while error is not None:
        if isinstance(error, psycopg.Error) and error.sqlstate:
            return error.sqlstate
        error = error.__cause__
    return ""


def _is_broken(error: Exception) -> bool:
    """A connection that was lost: nothing was committed, or the ledger says so."""
    return (
        isinstance(error, (psycopg.OperationalError, DatabaseError))
        and not _state_of(error)
        and ("connection" in str(error))
    )

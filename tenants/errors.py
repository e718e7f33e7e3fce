"""What the business may refuse: one family of errors that every door can show in its own way."""

from collections.abc import Sequence
from typing import Any, Final

from django.db import InterfaceError, OperationalError


class DomainError(Exception):
    """A refusal by a rule of the business.

    The API shows it as an RFC 9457 problem, the portal as a form error or a toast, a task as a failure.
    `field` names the input that was wrong (`lines.0.quantity` for nested input). Everything in `data` is
    shown to the caller, so it holds no secrets.
    """

    code = "domain_error"
    status = 400
    title = "The request was refused"
    # What was written before the refusal is kept, as it is the answer to it. Raise it outside the transaction.
    keeps_writes = False

    def __init__(self, detail: str, *, field: str | None = None, **data: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.data = data

    @property
    def mistakes(self) -> "Sequence[DomainError]":
        """Every mistake by itself, where an error tells of several."""
        return (self,)


class NotFound(DomainError):
    """The thing asked for does not exist, or not for this caller."""

    code = "not_found"
    status = 404
    title = "Not found"


class Conflict(DomainError):
    """The request is sound, but the present state of things does not allow it."""

    code = "conflict"
    status = 409
    title = "Conflict with the current state"


class Invalid(DomainError):
    """The input breaks a rule that its shape alone does not show."""

    code = "invalid"
    status = 422
    title = "Invalid input"


class SeveralMistakes(Invalid):
    """More than one thing is wrong with the input; each has a field of its own."""

    code = "validation_failed"

    def __init__(self, mistakes: Sequence[DomainError]) -> None:
        super().__init__(" ".join(mistake.detail for mistake in mistakes))
        self._mistakes = tuple(mistakes)

    @property
    def mistakes(self) -> Sequence[DomainError]:
        return self._mistakes


def refuse_together(mistakes: Sequence[DomainError]) -> None:
    """Raise what is wrong with an input, if anything is: the one mistake, or all of them as one error."""
    if len(mistakes) == 1:
        raise mistakes[0]
    if mistakes:
        raise SeveralMistakes(mistakes)


class Forbidden(DomainError):
    """The caller is known but may not do this."""

    code = "forbidden"
    status = 403
    title = "Forbidden"


class PreconditionFailed(DomainError):
    """The thing has changed since the caller last read it."""

    code = "precondition_failed"
    status = 412
    title = "Precondition failed"


# Lost connections, and servers that are shutting down, starting, or full.
AWAY: Final = ("08", "53", "57P")
AWAY_DETAIL: Final = (
    "The platform is busy or being restarted. Nothing was changed; try again in a few seconds."
)


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database cannot be reached, and nothing of what was asked of it."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    return sqlstate is None or sqlstate.startswith(AWAY)

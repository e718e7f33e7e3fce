"""What the business may refuse: one family of errors that every door can show in its own way."""

from typing import Any


class DomainError(Exception):
    """A refusal by a rule of the business.

    The API shows it as an RFC 9457 problem, the portal as a form error or a toast, a task as a failure.
    `field` names the input that was wrong (`lines.0.quantity` for nested input). Everything in `data` is
    shown to the caller, so it holds no secrets.
    """

    code = "domain_error"
    status = 400
    title = "The request was refused"

    def __init__(self, detail: str, *, field: str | None = None, **data: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.data = data


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

"""What Stripe answers when it refuses: one shape, with a type, a code, a parameter and a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Refusal(Exception):
    """A call that is answered with an error."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
        status: int = 400,
        may_retry: bool | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status, self.may_retry = status, may_retry
        self.error: dict[str, Any] = {"message": message, "type": kind, **more}
        self.error |= {name: value for name, value in (("param", param), ("code", code)) if value is not None}

    def body(self, request: str) -> dict[str, Any]:
        """The document that is sent."""
        log = f"https://dashboard.stripe.com/test/logs/{request}"
        return {"error": {**self.error, "request_log_url": log}}


def no_such(kind: str, name: str, *, param: str = "id", status: int = 404) -> Refusal:
    """An id that nothing has; in a body Stripe answers 400, in a path 404."""
    return Refusal(f"No such {kind}: '{name}'", param=param, code="resource_missing", status=status)


def unknown_parameter(param: str) -> Refusal:
    return Refusal(f"Received unknown parameter: {param}", param=param, code="parameter_unknown")


def missing_parameter(param: str) -> Refusal:
    return Refusal(f"Missing required param: {param}.", param=param, code="parameter_missing")


def empty_parameter(param: str) -> Refusal:
    return Refusal(
        f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; "
        f"however '{param}' cannot be unset. You should remove '{param}' from your request or supply a "
        "non-empty value.",
        param=param,
        code="parameter_invalid_empty",
    )


def bad_enum(param: str, choices: Sequence[str]) -> Refusal:
    """A value that is none of those allowed."""
    known = [choice for choice in choices if choice]
    listed = " or ".join(filter(None, [", ".join(known[:-1]), known[-1]]))
    return Refusal(f"Invalid {param}: must be one of {listed}", param=param)


def bad_value(param: str, expected: str, value: object) -> Refusal:
    """A value of the wrong type: 'Invalid integer: abc'."""
    return Refusal(f"Invalid {expected}: {value}", param=param, code=f"parameter_invalid_{expected}")

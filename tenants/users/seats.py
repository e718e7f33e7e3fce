"""How many people a workspace may have: whoever knows plans says so."""

from typing import Protocol


class RequireSeat(Protocol):
    """Refuses one more person, or holds the seat until the transaction ends."""

    def __call__(self, *, is_promised: bool) -> None: ...


class Seats:
    """The rule about seats. Who is invited has the promise of one."""

    def __init__(self) -> None:
        self.require: RequireSeat = any_number


def any_number(*, is_promised: bool) -> None:
    """The rule where nobody has set another one."""


seats = Seats()

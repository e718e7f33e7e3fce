"""Tags that this process gave out, with the versions of the rows that the answers were made of.

As long as the rows are the same ones, so is the answer, and nobody has to write it to find that out. Who has it already
is told so by a question that reads the rows' versions alone.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

GOOD_FOR: Final = 300
DAY: Final = 86_400
MOST: Final = 10_000
# What an answer depends on besides its rows: tenant, scheme, host and address.
Address = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """A tag, and what its answer was made of."""

    tag: str
    versions: bytes
    until: float


class Tags:
    """What this process remembers; the answers that were met longest ago are forgotten."""

    def __init__(self) -> None:
        self._given: OrderedDict[Address, Given] = OrderedDict()

    def of(self, address: Address) -> Given | None:
        """The tag that was last given for an address."""
        given = self._given.get(address)
        return given if given is not None and time.time() < given.until else None

    def remember(self, address: Address, tag: str, versions: bytes) -> None:
        """Keep a tag for some minutes, and not beyond the day: cursors change with it."""
        now = time.time()
        self._given[address] = Given(tag, versions, min(now + GOOD_FOR, now - now % DAY + DAY))
        if len(self._given) > MOST:
            self._given.popitem(last=False)


tags = Tags()

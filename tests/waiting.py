"""Waiting for what other processes and servers do."""

import time
from collections.abc import Callable
from typing import Final

# A slow machine under load does not get there; only what never happens does.
LIMIT: Final = 120.0


def wait_until(
    condition: Callable[[], object],
    otherwise: str = "it did not happen",
    *,
    limit: float = LIMIT,
    found: Callable[[], object] = lambda: "",
) -> None:
    """Ask until the condition holds; `otherwise` and what is `found` then say why the test failed."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"{otherwise} within {limit:.0f} s {found()}"
        time.sleep(0.01)

"""Waiting for what other processes and servers do."""

import time
from collections.abc import Callable
from typing import Final

# A slow machine under load does not get there; only what never happens does.
LIMIT: Final = 120.0


def wait_until(condition: Callable[[], object], otherwise: str = "it did not happen") -> None:
    """Ask until the condition holds; what to say `otherwise` is why the test failed then."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, f"{otherwise} within {LIMIT:.0f} s"
        time.sleep(0.01)

"""Real kills at planned points: the work runs in a forked process that ends itself with SIGKILL."""

import os
import signal
from collections.abc import Callable
from typing import Any

from django.db import connections

Place = tuple[Any, str]  # an object and the name of one of its functions


def killed(work: Callable[[], Any], *, at: Place, after: bool = False, time: int = 1) -> None:
    """Run the work in a process that is killed when it comes to a function for the n-th time, or has just left it."""
    connections.close_all()
    if (child := os.fork()) == 0:
        _die_at(at, after, time)
        try:
            work()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"it never came to {at[1]}"
    assert os.WTERMSIG(status) == signal.SIGKILL


def _die_at(place: Place, after: bool, time: int) -> None:
    owner, name = place
    real, calls = getattr(owner, name), 0

    def die(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        result = real(*args, **kwargs) if after or calls < time else None
        if calls == time:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, die)

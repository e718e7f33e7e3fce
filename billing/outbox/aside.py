"""Work whose commits must stand whatever becomes of the caller's transaction, as calls to Stripe follow from them.

What is told to Stripe is written down before, under an identifier that goes with it. Written in a transaction that is
undone afterwards, the same identifier would be given again, to something else.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


def aside(work: Callable[[], T]) -> T:
    """Do it over connections of its own, and wait for it. The caller must not hold what it locks."""
    with ThreadPoolExecutor(1, thread_name_prefix="aside") as pool:
        return pool.submit(copy_context().run, _alone, work).result()


def _alone(work: Callable[[], T]) -> T:
    try:
        return work()
    finally:
        connections.close_all()

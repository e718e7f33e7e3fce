"""One folder of bin/dev's for all tests that run it: what it has prepared once it need not prepare again."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.ports import free_port
from infra.local.services import memory, temporary_folder
from tests.infra.running import at_work_in

LAST = "test_soak.py"
BEFORE = "test_local_dev.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the soak behind the other tests that run bin/dev: neighbours are mostly given to the same worker."""
    soak = [item for item in items if item.path.name == LAST]
    others = [item for item in items if item.path.name != LAST]
    places = [place for place, item in enumerate(others, 1) if item.path.name == BEFORE]
    if soak and places:
        items[:] = [*others[: places[-1]], *soak, *others[places[-1] :]]


@pytest.fixture(scope="session")
def data() -> Iterator[Path]:
    with temporary_folder(memory(4)) as folder:
        yield folder / "data"
        for pid in at_work_in(folder):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def port() -> int:
    return free_port()

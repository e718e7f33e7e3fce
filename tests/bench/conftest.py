"""What tests of the benchmarks share."""

import os
from collections.abc import Iterator

import pytest

from bench.fleet import Server
from tests import stage


@pytest.fixture
def server() -> Iterator[Server | None]:
    """A prepared server with the cast on it, in place of one that each benchmark would prepare for itself."""
    with stage.second_server() as administrator:
        yield Server(administrator, os.environ["SECRET_KEY"]) if administrator else None

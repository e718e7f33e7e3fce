"""The scale benchmark: its arithmetic, and what a process on a fleet does, on the tests' own tenants."""

import sys
from itertools import cycle

import psycopg
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from pytest_django.fixtures import Settings

from bench.backends import memory_mib
from bench.fleet import Server, make_fleet
from bench.peers import on_fleet
from bench.scale import WAYS, Measured, fill, p95, report
from tenants.context import Tenant, unit_of_work
from tenants.users.models import User

linux = pytest.mark.skipif(sys.platform != "linux", reason="Only Linux tells what a process has for itself.")


def measured() -> Measured:
    """Three rounds, in the second of which the machine was slow for both fleets."""
    few = [[1.0] * 20, [3.0] * 20, [1.0] * 20]
    many = [[1.1] * 20, [3.3] * 20, [1.2] * 20]
    return Measured(
        few=dict.fromkeys(WAYS, few),
        many=dict.fromkeys(WAYS, many),
        recycled_mib=80.0,
        kept_mib=800.0,
        pooled_mib=[3.0, 40.0],
    )


def test_rounds_are_compared_with_each_other() -> None:
    request, memory = report(measured()).results
    assert (request.name, memory.name) == ("request_p95_2000_vs_10", "backend_memory_mib")
    assert request.ours == pytest.approx(1.1)
    assert request.ratio_to_limit == pytest.approx(1 / 1.1)
    assert request.runs == 3


def test_memory_stands_beside_what_is_never_recycled_and_beside_the_bar() -> None:
    memory = report(measured()).results[1]
    assert (memory.ours, memory.peer, memory.limit) == (80.0, 800.0, 100.0)
    assert (memory.ratio_to_peer, memory.ratio_to_limit) == (10.0, 1.25)


def test_the_percentile_is_that_of_the_slowest_twentieth() -> None:
    assert p95([float(number) for number in range(1, 101)]) == pytest.approx(95.95)


def test_every_tenant_of_a_fleet_gets_the_same_shelf(server: Server | None) -> None:
    with make_fleet(2, server=server) as fleet:
        fill(fleet)
        counts = " UNION ALL ".join(
            f'SELECT count(*) FROM "{schema}".products_product' for schema in fleet.schemas
        )
        with psycopg.connect(fleet.administrator) as connection:
            (first,), (second,) = connection.execute(counts).fetchall()
    assert first == second > 0


def test_a_process_serves_its_tenants_in_turns(acme: Tenant, globex: Tenant) -> None:
    calls = cycle([on_fleet.call_of(tenant) for tenant in (acme, globex)])
    took = on_fleet.serve(WSGIHandler(), calls, 3)
    assert len(took) == 3
    assert min(took) > 0


@linux
def test_a_process_tells_what_its_backend_has_grown_to(
    acme: Tenant, globex: Tenant, settings: Settings
) -> None:
    connection.close()
    with unit_of_work(acme):
        User.objects.count()
    begin = memory_mib(connection.connection.info.backend_pid)
    assert begin < on_fleet.touch([acme, globex]) < 100
    assert on_fleet.backends_mib()[-1] >= begin

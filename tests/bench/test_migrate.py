"""The comparison of migrations: its arithmetic, and one small real run."""

import pytest

from bench.fleet import Server, make_fleet
from bench.migrate import ADD_FIELD, PHASES, SETTINGS, Measured, Round, Sides, make_stock, notes, results


def measured() -> Measured:
    """Three rounds of each migration, without a process."""
    rounds = [
        Round(ours=1.0, stock=2.0, loop=1.0),
        Round(ours=2.0, stock=2.0, loop=0.5),
        Round(ours=4.0, stock=2.0, loop=2.0),
    ]
    return Measured(
        few=10,
        many=100,
        stock_tenants=5,
        add_few=rounds,
        add_many=rounds,
        create_few=rounds,
        nothing=[Round(ours=0.5, stock=0.25)],
        by_workers={1: 100.0, 2: 180.0},
    )


def test_ratios_compare_round_with_round_and_a_stock_tenant_counts_as_often_as_there_are_tenants() -> None:
    nothing, add_few, add_many, create_few = results(measured())
    assert [nothing.name, add_few.name, add_many.name, create_few.name] == [
        "noop_100",
        "add_field_10",
        "add_field_100",
        "create_table_10",
    ]
    assert (nothing.ours, nothing.peer, nothing.limit, nothing.ratio_to_peer) == (0.5, 25.0, None, 50.0)
    assert (add_few.ours, add_few.peer, add_few.limit) == (2.0, 20.0, 1.0)
    assert add_few.ratio_to_peer == pytest.approx(10.0)
    assert add_few.ratio_to_limit == pytest.approx(0.5)
    assert add_many.ratio_to_peer == pytest.approx(100.0)
    assert any("100 by 1, 180 by 2" in note for note in notes(measured()))


def test_all_sides_migrate_the_same_and_come_back(server: Server | None) -> None:
    with make_fleet(1 if server else 3, settings=SETTINGS, server=server) as fleet:
        sides = Sides(fleet, make_stock(fleet, 1), 1)
        sides.stand_at("0001")
        one = sides.round(0, *ADD_FIELD)
    assert min(one.ours, one.loop, one.waiting_loop, one.stock) > 0
    assert set(one.phases) >= set(PHASES)
    assert sum(one.phases.values()) == pytest.approx(one.ours)

"""The comparison of the product list: its arithmetic, and one small real run."""

from subprocess import Popen
from typing import cast

import pytest

from bench.fleet import Server
from bench.request import CALLS, CREDENTIALS, SIDES, TAX, Side, measure, results

COSTS = {
    "ours": (0.002, 0.004, 0.003),
    "stock": (0.006, 0.008, 0.009),
    "plain": (0.002, 0.002, 0.003),
    "raw": (0.001,) * 3,
}
FLOODS = {"ours": [300.0, 200.0, 250.0], "stock": [50.0, 50.0, 25.0]}
NAMES = [f"{call}_{kind}" for kind in CREDENTIALS for call in CALLS]


def sides() -> dict[str, Side]:
    """Three rounds of each side, without a process."""
    served = {"ours": [*NAMES, TAX], "stock": NAMES, "plain": [TAX], "raw": ["list_jwt"]}
    return {
        name: Side(
            name,
            cast("Popen[str]", None),
            rounds={
                scenario: [{"python": c, "postgres": 0.0, "wall": c} for c in costs]
                for scenario in served[name]
            },
            floods=dict.fromkeys(NAMES, FLOODS.get(name, [])),
            latencies=[0.010] * 98 + [0.025] * 3,
        )
        for name, costs in COSTS.items()
    }


def test_ratios_compare_round_with_round_and_above_one_means_better() -> None:
    calls, rest = results(sides())[: len(NAMES)], results(sides())[len(NAMES) :]
    tax, over_http, tail = rest[0], rest[1:-1], rest[-1]
    assert [call.name for call in calls] == NAMES
    assert [call.name for call in over_http] == [f"{name}_http" for name in NAMES]
    assert (over_http[0].ours, over_http[0].ratio_to_peer) == pytest.approx((250.0, 6.0))
    assert (tail.name, tail.ours) == ("p99_at_half_load", 2.5)
    assert tail.ratio_to_limit == pytest.approx(1.2)
    products = calls[0]
    assert products.ours == pytest.approx(1 / 0.003)
    assert products.peer == pytest.approx(1 / 0.008)
    assert products.ratio_to_peer == pytest.approx(3.0)
    assert products.ratio_to_limit == pytest.approx(1 / 3)
    assert calls[1].ratio_to_limit is None
    assert tax.ours == pytest.approx(1.0)
    assert tax.ratio_to_limit == pytest.approx(1.0)


def test_all_sides_serve_their_scenarios(server: Server | None) -> None:
    measured = measure(rounds=1, requests=2, tenants=1, warm_up=1, seconds=0, server=server)
    assert tuple(measured) == SIDES
    for side in measured.values():
        assert side.probe["rows"] == 20
        assert all(side.typical(scenario, "python") > 0 for scenario in side.scenarios)
    assert set(measured["ours"].scenarios) == {*NAMES, TAX}
    assert results(measured)

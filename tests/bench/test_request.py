"""The comparison of the product list: its arithmetic, and one small real run."""

from subprocess import Popen
from typing import cast

import pytest

from bench.request import CALLS, CREDENTIALS, SIDES, TAX, Side, measure, results

COSTS = {
    "ours": (0.002, 0.004, 0.003),
    "stock": (0.006, 0.008, 0.009),
    "plain": (0.002, 0.002, 0.003),
    "raw": (0.001,) * 3,
}
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
        )
        for name, costs in COSTS.items()
    }


def test_ratios_compare_round_with_round_and_above_one_means_better() -> None:
    *calls, tax = results(sides())
    assert [call.name for call in calls] == NAMES
    products = calls[0]
    assert products.ours == pytest.approx(1 / 0.003)
    assert products.peer == pytest.approx(1 / 0.008)
    assert products.ratio_to_peer == pytest.approx(3.0)
    assert products.ratio_to_limit == pytest.approx(1 / 3)
    assert calls[1].ratio_to_limit is None
    assert tax.ours == pytest.approx(1.0)
    assert tax.ratio_to_limit == pytest.approx(1.0)


def test_all_sides_serve_their_scenarios() -> None:
    measured = measure(rounds=1, requests=2, tenants=1, warm_up=1)
    assert tuple(measured) == SIDES
    for side in measured.values():
        assert side.probe["rows"] == 20
        assert all(side.typical(scenario, "python") > 0 for scenario in side.scenarios)
    assert set(measured["ours"].scenarios) == {*NAMES, TAX}
    assert results(measured)

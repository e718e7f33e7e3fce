"""The comparison of the product list: its arithmetic, and one small real run."""

from subprocess import Popen
from typing import cast

import pytest

from bench.request import SIDES, Side, measure, results

COSTS = {
    "ours": (0.002, 0.004, 0.003),
    "stock": (0.006, 0.008, 0.009),
    "plain": (0.002, 0.002, 0.003),
    "raw": (0.001,) * 3,
}


def sides() -> dict[str, Side]:
    """Three rounds of each side, without a process."""
    rounds = {
        name: [{"python": c, "postgres": 0.0, "wall": c} for c in costs] for name, costs in COSTS.items()
    }
    return {name: Side(name, cast("Popen[str]", None), rounds=made) for name, made in rounds.items()}


def test_ratios_compare_round_with_round_and_above_one_means_better() -> None:
    products, tax = results(sides())
    assert (products.name, tax.name) == ("list_jwt", "tenancy_tax")
    assert products.ours == pytest.approx(1 / 0.003)
    assert products.peer == pytest.approx(1 / 0.008)
    assert products.ratio_to_peer == pytest.approx(3.0)
    assert products.ratio_to_limit == pytest.approx(1 / 3)
    assert tax.ours == pytest.approx(1.0)
    assert tax.ratio_to_limit == pytest.approx(1.0)


def test_all_sides_list_the_same_rows() -> None:
    measured = measure(rounds=1, requests=2, tenants=1, warm_up=1)
    assert tuple(measured) == SIDES
    for side in measured.values():
        assert side.probe["rows"] == 20
        assert side.typical("python") > 0
    assert measured["ours"].probe["statements"] <= measured["plain"].probe["statements"]

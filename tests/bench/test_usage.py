"""The benchmark of usage: what its rounds say."""

from typing import Any

import pytest

from bench import usage


def test_ratios_are_medians_of_the_rounds_own() -> None:
    rounds: dict[str, list[Any]] = {
        "tax": [(1.0, 1.0), (1.2, 1.0), (3.03, 3.0)],
        "rows": [(30_000.0, 40_000.0), (20_000.0, 40_000.0), (24_000.0, 40_000.0)],
        "folds": [2.5, 1.0, 0.5],
    }
    tax, rows, folds = usage.results(rounds)
    assert [each.name for each in (tax, rows, folds)] == ["metering_tax", "ledger_rows", "rollup_1m"]
    assert (tax.ours, tax.limit) == pytest.approx((1.01, 1.02))
    assert (rows.ours, rows.limit, rows.ratio_to_limit) == pytest.approx((24_000, 40_000, 0.6))
    assert (folds.ours, folds.ratio_to_limit) == pytest.approx((1.0, 2.0))

"""The benchmark of usage: what its rounds say."""

from typing import Any

import pytest

from bench import usage


def test_ratios_are_medians_of_the_rounds_own() -> None:
    rounds: dict[str, list[Any]] = {
        "tax": [(1.0, 1.0), (1.2, 1.0), (3.03, 3.0)],
        "rows": [(30_000.0, 40_000.0), (20_000.0, 40_000.0), (24_000.0, 40_000.0)],
        "folds": [2.5, 1.0, 0.5],
        "checks": [25.0],
        "granted": [1_001],
        "exports": [30.0],
    }
    tax, rows, folds, exporting, check, exact = usage.results(rounds, usage.SIZES["full"])
    names = [each.name for each in (tax, rows, folds, exporting)]
    assert names == ["metering_tax", "ledger_rows", "rollup_1m", "export_10000_tenants"]
    assert (exporting.ours, exporting.ratio_to_limit) == pytest.approx((30.0, 2.0))
    assert (check.name, check.ours, check.limit, check.ratio_to_limit) == ("entitlement_check_us", 25, 50, 2)
    assert (exact.name, exact.ours, exact.limit) == ("entitlement_exact", 1_001, 1_000)
    assert exact.ratio_to_limit is not None
    assert exact.ratio_to_limit < 1
    assert (tax.ours, tax.limit) == pytest.approx((1.01, 1.02))
    assert (rows.ours, rows.limit, rows.ratio_to_limit) == pytest.approx((24_000, 40_000, 0.6))
    assert (folds.ours, folds.ratio_to_limit) == pytest.approx((1.0, 2.0))

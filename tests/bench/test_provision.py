"""The comparison of making tenants: its arithmetic, and one small real run."""

import pytest

from bench.fleet import Server
from bench.provision import Round, measure, results


def turn(claim: float, stock: float, empty: float, raw: float) -> Round:
    took = {"transaction": claim, "wall": claim * 2, "database": claim / 2}
    return Round([took], {"wall": stock, "database": stock / 2}, empty, raw, [0.1, 0.2, 0.3])


def test_ratios_compare_round_with_round_and_above_one_means_better() -> None:
    rounds = [turn(0.004, 0.4, 0.04, 0.04), turn(0.008, 0.4, 0.05, 0.04), turn(0.005, 0.4, 0.04, 0.02)]
    claim, http, empty = results(rounds)
    assert [each.name for each in (claim, http, empty)] == ["claim_from_pool", "signup_http", "empty_pool"]
    assert (claim.ours, claim.peer, claim.ratio_to_peer) == pytest.approx((2.5, 400.0, 160.0))
    assert http.ours == pytest.approx(200.0)
    assert http.runs == 9
    assert (empty.ours, empty.limit, empty.ratio_to_limit) == pytest.approx((40.0, 40.0, 0.8))


def test_every_way_makes_tenants(server: Server | None) -> None:
    (done,) = measure(rounds=1, claims=1, creations=1, sign_ups=1, web_workers=1, server=server)
    assert 0 < done.claim("transaction") < done.claim("wall")
    assert done.claim("transaction") < done.stock["wall"]
    assert min(done.empty, done.raw, *done.http) > 0

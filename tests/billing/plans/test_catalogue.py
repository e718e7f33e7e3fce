"""The plan files: what is sold, and how a file that says something else than was meant is refused."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest

from billing.plans import catalogue
from billing.plans.reading import CatalogueError, read
from billing.pricing.rating import Mode
from tenants.context import Tenant

GOOD = """
name = "Solo"
[[versions]]
number = 1
offered = true
summary = "For one."
currency = "EUR"
base = "9.00"
limits.products = { soft = 8, hard = 10 }
[[versions.prices]]
meter = "api_calls"
mode = "graduated"
included = 5
tiers = [{ up_to = 10, unit = "0.02" }, { unit = "0.01" }]
"""


def written(folder: Path, text: str) -> Path:
    (folder / "solo.toml").write_text(text, "utf-8")
    return folder


def test_every_version_stands_in_order_and_old_ones_are_kept() -> None:
    assert [str(version) for version in catalogue.offered()] == ["free v1", "team v2", "business v1"]
    old, new = catalogue.versions_of("team")
    assert (old, new) == (catalogue.plan_version("team", 1), catalogue.newest("team"))
    assert not old.is_offered
    assert catalogue.newest("free").is_free
    assert {
        price.mode for plan in ("team", "business") for price in catalogue.newest(plan).terms.prices
    } == set(Mode)
    client = Tenant(uuid4(), "t_somebody", "Somebody", "somebody.example", plan="team", plan_version=9)
    assert catalogue.plan_of(client) == new, "an old process, while a release rolls out"
    assert catalogue.plan_of(replace(client, plan_version=1)) == old
    for wrong in (("gold", 1), ("team", 0), ("team", 3)):
        with pytest.raises(LookupError):
            catalogue.plan_version(*wrong)


def test_a_fingerprint_holds_what_was_bought_and_not_how_it_is_written(tmp_path: Path) -> None:
    (version,) = read(written(tmp_path, GOOD))["solo"]
    (same,) = read(written(tmp_path, GOOD.replace('"9.00"', '"9.0"').replace("For one", "For you")))["solo"]
    (dearer,) = read(written(tmp_path, GOOD.replace('"0.01"', '"0.011"')))["solo"]
    assert version.fingerprint == same.fingerprint != dearer.fingerprint
    assert replace(version, is_offered=False).fingerprint == version.fingerprint
    assert version.terms.base == Decimal(9)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (("offered = true", "ofered = true"), "solo.toml, versions 1: 'offered' is missing"),
        (("summary =", "sumary = 'x'\nsummary ="), "unknown key 'sumary'; the keys here are base, currency"),
        (('base = "9.00"', "base = 9.00"), "'base' must be an amount as text, such as .12.50.*found 9.0"),
        (('"9.00"', '"9.001"'), "'base' must be whole cents"),
        (('"9.00"', '"-9"'), "'base' must be an amount"),
        (("EUR", "Euro"), "'currency' must be three capital letters"),
        (("number = 1", "number = 2"), "numbered 1, 2, 3"),
        (("api_calls", "calls"), "prices calls: 'meter' must be one of orders_placed, api_calls"),
        (("graduated", "stepped"), "'mode' must be one of graduated, volume, package; found 'stepped'"),
        (("graduated", "volume"), "the tier that is reached prices all units"),
        (("graduated", "package"), "Stripe divides all that was used"),
        (("included = 5", ""), None),
        (('{ unit = "0.01" }', ""), "the last tier, and no other, has no up_to"),
        (("up_to = 10", "up_to = 1.5"), "tiers 1: 'up_to' must be a whole number from 1; found 1.5"),
        (('{ up_to = 10, unit = "0.02" }', '{ flat = "3", up_to = 10 }'), None),
        (
            ('included = 5\ntiers = [{ up_to = 10, unit = "0.02" }', 'tiers = [{ flat = "3", up_to = 10 }'),
            "even if nothing is used",
        ),
        (("base =", 'minimum = "5"\nbase ='), "Stripe has no minimum for a subscription"),
        (("products", "produce"), "unknown limit 'produce'; there are products"),
        (("soft = 8", "soft = 11"), "limits, products: 'soft' must be at most 'hard', which is 10"),
        (("base =", 'features = ["ai"]\nbase ='), "'features' must be one of graphql; found 'ai'"),
        (('name = "Solo"', 'name = "Solo"\nlarger = "solo"'), "name of another plan's file; found 'solo'"),
        (('name = "Solo"', "name = Solo"), "solo.toml: not TOML"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_file_that_cannot_be_followed_names_key_and_cure(
    change: tuple[str, str], error: str | None, tmp_path: Path
) -> None:
    folder = written(tmp_path, GOOD.replace(*change))
    assert GOOD.replace(*change) != GOOD
    if error is None:
        assert read(folder)
    else:
        with pytest.raises(CatalogueError, match=error):
            read(folder)

"""Plans get to the simulated Stripe: once, from wherever it was stopped, and back when somebody changed them there."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client, override_settings

from billing.meters import METERS
from billing.models import PublishedPlan
from billing.plans.catalogue import catalogue, newest, plan_version, stripe_prices
from billing.plans.publishing import (
    CannotPublish,
    StripeFailing,
    compare_plans,
    differing,
    state_of,
    synchronise_plans,
)
from billing.plans.steps import Catalogue, Sign
from billing.simulator.server import Server
from billing.stripe.client import Stripe, account, connect
from shared_apps.clients.standing import set_standing
from tenants.audit.actors import Actor
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, public_context
from tests.cast import OPERATOR, PASSWORD

ACTOR = Actor.system("tests")


@pytest.fixture
def stripe(simulator: Server) -> Iterator[Stripe]:
    with public_context():
        yield connect("sk_test_simulator", simulator.address)
    simulator.simulator.reset()


def apply(stripe: Stripe, plans: Catalogue | None = None) -> list[str]:
    done = synchronise_plans(actor=ACTOR, stripe=stripe, plans=plans)
    assert differing(compare_plans(stripe=stripe, plans=plans)) == [], (
        "the second time there is nothing to do"
    )
    return [f"{step.sign} {step.what}" for step in done]


def counted(stripe: Stripe) -> dict[str, int]:
    calls: dict[str, Callable[[Any], Any]] = {
        "meters": lambda client: client.v1.billing.meters.list,
        "products": lambda client: client.v1.products.list,
        "prices": lambda client: client.v1.prices.list,
    }
    return {name: len(list(stripe.read_all(call))) for name, call in calls.items()}


def change(stripe: Stripe, call: Callable[[Any], Any], of: str, **params: Any) -> None:
    stripe.send(call, of, key=f"{of}{params}", params=params)


ALL = {"meters": 5, "products": 6 + 6, "prices": 5 + 6 + 6}


def test_everything_is_published_once_and_written_down(stripe: Stripe) -> None:
    steps = compare_plans(stripe=stripe)
    assert {step.sign for step in steps} == {Sign.NEW}
    assert (counted(stripe), PublishedPlan.objects.count()) == (dict.fromkeys(ALL, 0), 0), "only looked at"
    assert len(apply(stripe)) == len(steps) == sum(ALL.values()) + 4
    assert apply(stripe) == []
    assert counted(stripe) == ALL
    prices = stripe_prices(newest("team"))
    assert set(prices) == {"base", *METERS}
    assert (stripe_prices(newest("free")), PublishedPlan.objects.get(key="free").product) == ({}, "")
    verbs = AuditEntry.objects.filter(verb__startswith="plan").values_list("verb", flat=True)
    assert sorted(verbs) == ["plan_version.published"] * 4 + ["plans.synchronised"]


def test_whoever_is_killed_at_any_step_goes_on_from_there(stripe: Stripe, simulator: Server) -> None:
    class Killed(BaseException):
        """The process is gone after this deed."""

    def killed(step: object) -> None:
        raise Killed

    runs = 0
    while differing(compare_plans(stripe=stripe)):
        with pytest.raises(Killed):
            synchronise_plans(actor=ACTOR, stripe=stripe, tell=killed)
        runs += 1
    assert runs == sum(ALL.values()) + 4
    assert counted(stripe) == ALL


@pytest.mark.parametrize("kind", ["error_before", "error_after", "cut_after"])
def test_a_call_that_fails_is_made_again_by_the_next_run(
    kind: str, stripe: Stripe, simulator: Server
) -> None:
    for path in ("/v1/products", "/v1/prices", "/v1/billing/meters"):
        simulator.simulator.faults.add(kind=kind, path=path, method="POST")
    for _ in range(3):
        with pytest.raises(StripeFailing, match="try again"):
            synchronise_plans(actor=ACTOR, stripe=stripe)
    apply(stripe)
    assert counted(stripe) == ALL


def test_drift_at_stripe_is_found_and_mended(stripe: Stripe) -> None:
    apply(stripe)
    base, seats = (stripe_prices(newest("team"))[name] for name in ("base", "seats"))
    meters = {
        meter.event_name: meter.id for meter in stripe.read_all(lambda client: client.v1.billing.meters.list)
    }
    change(stripe, lambda client: client.v1.prices.update, base, active=False)
    change(stripe, lambda client: client.v1.prices.update, seats, lookup_key="mine")
    change(stripe, lambda client: client.v1.products.update, "rowhouse_team", name="Squad")
    change(stripe, lambda client: client.v1.products.update, "rowhouse_business", active=False)
    change(stripe, lambda client: client.v1.billing.meters.deactivate, meters["rowhouse_seats"])
    change(
        stripe, lambda client: client.v1.billing.meters.update, meters["rowhouse_api_calls"], display_name="x"
    )
    found = {step.what: str(step) for step in differing(compare_plans(stripe=stripe))}
    assert found.pop("meter rowhouse_api_calls").startswith("~")
    for what, text in {
        "price team-v2-base": "was archived at Stripe",
        "price team-v2-seats": "lost its lookup key",
        "product rowhouse_team": "was renamed at Stripe and is renamed from Squad to Team",
        "product rowhouse_business": "was archived",
        "meter rowhouse_seats": "was deactivated at Stripe",
    }.items():
        assert found.pop(what).startswith("! ")
        assert text in str(next(step for step in compare_plans(stripe=stripe) if step.what == what))
    assert not found
    assert len(apply(stripe)) == 6
    assert stripe_prices(newest("team"))["seats"] == seats


def changed(key: str, number: int, **values: Any) -> Catalogue:
    versions = [replace(each, **values) if each.number == number else each for each in catalogue()[key]]
    return {**catalogue(), key: tuple(versions)}


def test_texts_and_what_is_offered_may_change_and_what_was_bought_may_not(stripe: Stripe) -> None:
    apply(stripe)
    new = changed("team", 2, summary="Better.", is_offered=False)
    assert apply(stripe, new) == ["~ product rowhouse_team"]
    old = plan_version("team", 1)
    dearer = changed("team", 1, terms=replace(old.terms, base=Decimal(30)))
    with pytest.raises(
        CannotPublish, match=r"base is 30 in the file and was 29.*add a version with the next"
    ):
        apply(stripe, dearer)
    gone = {**catalogue(), "team": (old,)}
    with pytest.raises(CannotPublish, match=r"team v2: is published and has gone from team\.toml"):
        apply(stripe, gone)
    with pytest.raises(CannotPublish, match="by count at Stripe, by last in billing/meters"):
        other = {
            "default_aggregation": {"formula": "count"},
            "display_name": "x",
            "event_name": "rowhouse_seats",
        }
        make_meter_again(stripe, other)
        apply(stripe)


def make_meter_again(stripe: Stripe, params: dict[str, Any]) -> None:
    meters = {
        meter.event_name: meter.id for meter in stripe.read_all(lambda client: client.v1.billing.meters.list)
    }
    change(stripe, lambda client: client.v1.billing.meters.deactivate, meters[params["event_name"]])
    stripe.send(lambda client: client.v1.billing.meters.create, key="again", params=params)


def test_another_account_gets_prices_of_its_own(stripe: Stripe, simulator: Server) -> None:
    apply(stripe)
    before = stripe_prices(newest("team"))
    simulator.simulator.reset()
    steps = differing(compare_plans(stripe=stripe))
    assert "which this account does not have; it is made anew" in str(
        next(s for s in steps if s.what == "price team-v2-base")
    )
    apply(stripe)
    assert not set(stripe_prices(newest("team")).values()) & set(before.values())
    assert AuditEntry.objects.filter(verb="plan_version.moved").count() == 3


def test_the_command_shows_and_does_nothing_without_apply(stripe: Stripe, simulator: Server) -> None:
    def run(*options: str) -> str:
        out = StringIO()
        call_command("sync_plans", *options, stdout=out)
        return out.getvalue()

    with override_settings(STRIPE_API_KEY="sk_test_simulator", STRIPE_ADDRESS=simulator.address):
        account.cache_clear()
        told = run()
        assert "+ price team-v2-base: is made" in told
        assert "38 to make. Do it with --apply." in told
        document = json.loads(run("--json"))
        assert (document["differing"], document["steps"][0]["sign"]) == (38, "+")
        run("--apply")
        assert "38 in order. Nothing to do." in run()
    account.cache_clear()
    with pytest.raises(CommandError, match="STRIPE_API_KEY is not set"):
        run()


def test_operators_see_who_has_what_and_mend_what_drifted(
    stripe: Stripe, simulator: Server, acme: Tenant
) -> None:
    apply(stripe)
    change(
        stripe, lambda client: client.v1.prices.update, stripe_prices(newest("team"))["base"], active=False
    )
    set_standing(client_id=acme.id, actor=ACTOR, reason="bought", plan="team", plan_version=2)
    PublishedPlan.objects.filter(key="free").update(fingerprint="other")
    browser = Client(headers={"host": "localhost"})
    browser.post("/admin/login/", {"username": OPERATOR, "password": PASSWORD})
    page = browser.get("/admin/billing/publishedplan/")
    rows = {str(row): (row.many, state_of(row)) for row in page.context["cl"].result_list}
    assert rows["team v2"] == (1, "Offered")
    assert rows["team v1"] == (0, "Kept for those who have it")
    assert rows["free v1"][1] == "Not what the file says"
    compare = "/admin/billing/publishedplan/compare/"
    assert browser.get(compare).status_code == 403, "there is no account"
    with override_settings(STRIPE_API_KEY="sk_test_simulator", STRIPE_ADDRESS=simulator.address):
        account.cache_clear()
        shown = browser.get(compare).content.decode()
        assert "! price team-v2-base" in shown
        assert "was archived at Stripe" in shown
        refused = browser.post(compare, follow=True).content.decode()
        assert "What is published stays" in refused
        PublishedPlan.objects.filter(key="free").update(fingerprint=newest("free").fingerprint)
        browser.post(compare)
        assert differing(compare_plans()) == []
        shown = browser.get(compare).content.decode()
        assert "Nothing to do" in shown
        assert "Leave it as it is" not in shown, "there is no button"
    account.cache_clear()

"""Plans get to Stripe: compared first, then done step by step, and as often as anybody likes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import transaction

from billing.models import PublishedPlan
from billing.plans.at_stripe import product_id
from billing.plans.catalogue import catalogue
from billing.plans.steps import Catalogue, Found, Sign, Step, find_steps
from billing.plans.versions import PlanVersion
from billing.stripe.client import Stripe, StripeFailed, account
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Conflict, DomainError
from tenants.routers import CONTROL_ALIAS


class CannotPublish(Conflict):
    """Something that was published is not what the files say; people decide."""

    code = "plans_differ"
    title = "The plans cannot be published as they are"


class StripeFailing(DomainError):
    """Stripe refused a call or gave no answer; what was done before stays."""

    code = "stripe_failed"
    status = 502
    title = "Stripe did not do it"


def compare_plans(*, stripe: Stripe | None = None, plans: Catalogue | None = None) -> list[Step]:
    """What `synchronise_plans` would do now, and what is in order; nothing is changed."""
    return _steps(stripe, plans, lambda version, prices: None)


def synchronise_plans(
    *,
    actor: Actor,
    stripe: Stripe | None = None,
    plans: Catalogue | None = None,
    tell: Callable[[Step], None] = lambda step: None,
) -> list[Step]:
    """Do what is to be done, in order; whoever is stopped on the way goes on from there. What was done comes back.

    No transaction holds it together, as Stripe knows none: each version is written down when all of it is there.
    """

    def publish(version: PlanVersion, prices: dict[str, str]) -> None:
        publish_version(version=version, prices=prices, actor=actor)

    steps = _steps(stripe, plans, publish)
    if stopped := [step for step in steps if step.stops]:
        raise CannotPublish("Nothing was done. " + " ".join(str(step) for step in stopped))
    done = [step for step in steps if step.do is not None]
    for step in done:
        assert step.do is not None
        with _told():
            step.do()
        tell(step)
    if done:
        record(actor=actor, verb="plans.synchronised", data={"steps": [str(step) for step in done]})
    return done


def publish_version(*, version: PlanVersion, prices: dict[str, str], actor: Actor) -> PublishedPlan:
    """Write down that a version can be bought, and under which ids; the same again says nothing."""
    with transaction.atomic(using=CONTROL_ALIAS):
        row, is_new = PublishedPlan.objects.select_for_update().get_or_create(
            key=version.key,
            number=version.number,
            defaults=_values(version, prices) | {"content": version.content},
        )
        if row.fingerprint != version.fingerprint:
            raise CannotPublish(f"{version} was published with other content; make a new version.")
        if not is_new and row.prices == prices:
            return row
        row.product, row.prices = _values(version, prices)["product"], prices
        row.save()
        verb = "plan_version.published" if is_new else "plan_version.moved"
        record(actor=actor, verb=verb, target=row, data={"version": str(version), "prices": prices})
    return row


def _values(version: PlanVersion, prices: dict[str, str]) -> dict[str, Any]:
    return {
        "fingerprint": version.fingerprint,
        "product": product_id(version.key) if prices else "",
        "prices": prices,
    }


def _steps(
    stripe: Stripe | None,
    plans: Catalogue | None,
    publish: Callable[[PlanVersion, dict[str, str]], None],
) -> list[Step]:
    if stripe is None and not settings.STRIPE_API_KEY:
        raise CannotPublish("STRIPE_API_KEY is not set: there is no account to hold the plans against.")
    files = catalogue() if plans is None else plans
    with _told():
        return list(find_steps(Found(stripe or account(), files), files, publish))


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except StripeFailed as failure:
        raise StripeFailing(
            f"Stripe did not do it: {failure} What is done stays done: try again, and it goes on from there."
        ) from failure


def differing(steps: list[Step]) -> list[Step]:
    """The steps that are not as they should be."""
    return [step for step in steps if step.sign is not Sign.SAME]


def state_of(row: PublishedPlan) -> str:
    """How a published version stands to the files."""
    version = next((each for each in catalogue().get(row.key, ()) if each.number == row.number), None)
    if version is None or version.fingerprint != row.fingerprint:
        return "Not what the file says"
    return "Offered" if version.is_offered else "Kept for those who have it"

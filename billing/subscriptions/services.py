"""What a tenant's people do with their subscription: each a verb, done at Stripe first and then taken over here.

Every verb holds the customer, looks at Stripe how things stand, does only what is missing, and refreshes: done twice,
or cut off and done again, it comes to the same. What nobody did again is taken over by the sweeper and by webhooks.
"""

from typing import Final

from django.db import transaction

from billing.accounts.projecting import held, project_subscriptions
from billing.accounts.standings import FREE
from billing.models import Customer, Subscription
from billing.plans.catalogue import newest
from billing.subscriptions.acting import acting, release_schedule, translated
from billing.subscriptions.changes import change_plan, preview_change
from billing.subscriptions.checkouts import Checkout, finish_checkout, start_checkout
from billing.subscriptions.details import apply_promotion_code, open_stripe_portal, set_tax_id
from billing.subscriptions.problems import NotPossibleNow
from shared_apps.clients.models import Client
from shared_apps.clients.standing import set_standing
from tenants.audit.actors import Actor
from tenants.context import Tenant
from tenants.errors import Invalid
from tenants.routers import CONTROL_ALIAS

__all__ = [
    "Checkout",
    "apply_promotion_code",
    "cancel",
    "change_plan",
    "continue_on_free",
    "drop_pending_change",
    "finish_checkout",
    "open_stripe_portal",
    "preview_change",
    "resume",
    "set_tax_id",
    "start_checkout",
]
Status = Subscription.Status
LONGEST_REASON: Final = 1000
# Stripe's own words for why somebody leaves.
FEEDBACK: Final = {
    "too_expensive": "It is too expensive",
    "missing_features": "Something is missing",
    "switched_service": "We use something else",
    "unused": "We do not use it",
    "customer_service": "The support was not good enough",
    "too_complex": "It is too complicated",
    "low_quality": "It did not work well enough",
    "other": "Another reason",
}


def cancel(*, tenant: Tenant, feedback: str, actor: Actor, comment: str = "") -> Subscription:
    """End the subscription with its period; what is not running yet, or rests, ends at once."""
    details = _details(feedback, comment)
    with acting(tenant, "cancel", actor, details) as act:
        if act.running.status in (Status.INCOMPLETE, Status.PAUSED):
            params = {"cancellation_details": details}
            act.send(lambda client: client.v1.subscriptions.cancel, act.running.stripe_id, params=params)
        elif not act.running.is_ending:
            release_schedule(act)
            act.update(cancel_at_period_end=True, cancellation_details=details)
        return act.finish("subscription.cancelled", **details)


def resume(*, tenant: Tenant, actor: Actor) -> Subscription:
    """Keep a subscription that was to end."""
    with acting(tenant, "resume", actor) as act:
        if act.running.is_ending:
            act.update(cancel_at_period_end=False)
        elif not act.is_done:
            raise NotPossibleNow("Nobody has cancelled the subscription: it goes on anyway.")
        return act.finish("subscription.resumed")


def drop_pending_change(*, tenant: Tenant, actor: Actor) -> Subscription:
    """Stay with the present plan, where another one was to follow."""
    with acting(tenant, "drop_pending_change", actor) as act:
        release_schedule(act)
        return act.finish("subscription.pending_change_dropped")


def continue_on_free(*, tenant: Tenant, actor: Actor) -> None:
    """Go on with the Free plan, after a subscription has ended or instead of a trial."""
    _refuse_running(tenant)
    free = newest(FREE)
    with transaction.atomic(using=CONTROL_ALIAS):
        client = Client.objects.using(CONTROL_ALIAS).get(pk=tenant.id)
        set_standing(
            client_id=client.pk,
            actor=actor,
            reason="Its people go on with the Free plan.",
            plan=free.key,
            plan_version=free.number,
            access=Client.Access.FULL,
            trial_ends_at=None,
        )


def _refuse_running(tenant: Tenant) -> None:
    """Who pays for a plan has to end that first; Stripe is asked, as we may not have heard of it."""
    if not Customer.objects.filter(tenant=tenant.schema, deleted_at=None).exists():
        return
    with translated(), held(tenant=tenant.schema) as customer:
        running = project_subscriptions(customer)
    if running is not None:
        raise NotPossibleNow(
            f"The subscription to {running.plan.title()} runs. Cancel it: it ends with what is paid for, and then the "
            "Free plan can be taken."
        )


def _details(feedback: str, comment: str) -> dict[str, str]:
    comment = comment.strip()
    if feedback not in FEEDBACK:
        raise Invalid(f"Say why, by one of: {', '.join(FEEDBACK)}.", field="feedback")
    if len(comment) > LONGEST_REASON:
        raise Invalid(f"Use at most {LONGEST_REASON} characters; these are {len(comment)}.", field="comment")
    return {"feedback": feedback, **({"comment": comment} if comment else {})}

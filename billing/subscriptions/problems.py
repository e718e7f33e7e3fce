"""What buying, changing and ending may be refused with; each text says what to do."""

from typing import Final

from billing.stripe.client import CardDeclined, StripeBusy, StripeDenied, StripeDown, StripeFailed
from tenants.errors import Conflict, DomainError, Invalid

AGAIN_IN: Final = 30


class StripeAway(DomainError):
    """No answer that one could build on; what was asked for may be asked for again."""

    code = "stripe_away"
    status = 503
    title = "The payment service does not answer"


class NotForSale(DomainError):
    """Nothing can be bought on this installation as it is set up."""

    code = "not_for_sale"
    status = 503
    title = "Nothing can be bought here yet"


class CardRefused(DomainError):
    """The bank has said no."""

    code = "card_declined"
    status = 402
    title = "The card was declined"


class PaymentNeeded(DomainError):
    """It happens as soon as an invoice is paid."""

    code = "payment_needed"
    status = 402
    title = "A payment is needed first"
    keeps_writes = True


class PlanNotOffered(Invalid):
    """There is no such plan to be bought."""

    code = "plan_not_offered"
    title = "This plan is not offered"


class AlreadySubscribed(Conflict):
    """A tenant has one subscription."""

    code = "already_subscribed"
    title = "There is a subscription already"


class NotSubscribed(Conflict):
    """There is nothing to change or end."""

    code = "not_subscribed"
    title = "There is no subscription"


class NotPossibleNow(Conflict):
    """The subscription does not stand so that it could be done."""

    code = "not_possible_now"
    title = "Not possible as the subscription stands"


class LookAgain(Conflict):
    """What was shown is not what it would come to any more."""

    code = "preview_stale"
    title = "The preview is out of date"


class OverLimits(Conflict):
    """The tenant holds more than the plan allows."""

    code = "over_limits"
    title = "There is more than the plan allows"


class UnknownCode(Invalid):
    """No promotion has this code."""

    code = "promotion_code_unknown"
    title = "The promotion code is not valid"


def refusal_of(failure: StripeFailed) -> DomainError:
    """What a caller is told of a call that failed."""
    if isinstance(failure, CardDeclined):
        return CardRefused(
            f"{_said(failure)} Nothing was changed. Give another card on the billing page, then try again.",
            reason=failure.code,
        )
    if isinstance(failure, StripeBusy | StripeDown):
        return StripeAway(
            "Stripe, which takes the payments, gave no clear answer. Try again in half a minute: what has been done "
            "already is not done twice.",
            retry_after=AGAIN_IN,
        )
    if isinstance(failure, StripeDenied):
        return NotForSale(
            "Stripe does not accept this installation's key. Operators: look at STRIPE_API_KEY and its rights."
        )
    return NotPossibleNow(f"Stripe refuses it: {_said(failure)}", reason=failure.code)


def _said(failure: StripeFailed) -> str:
    """Stripe's own sentence, without the number of the request."""
    return str(failure).partition(": ")[2] or str(failure)

"""Stripe's objects in our words: from one answer of Stripe's to the values of our row. Nothing is written here."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from billing.models import Customer, PublishedPlan
from billing.pricing.money import amount_of

Object = dict[str, Any]
BASE: Final = "base"
AMOUNTS: Final = ("subtotal", "total", "amount_due", "amount_paid", "amount_remaining")


class Unknown(Exception):
    """It is not about a customer or a plan of ours. With a kind it is a case, for a person to look at."""

    def __init__(self, text: str, *, kind: str = "", object_id: str = "") -> None:
        super().__init__(text)
        self.kind, self.object_id = kind, object_id


def values_of_subscription(customer: Customer, found: Object) -> Object:
    """How a subscription stands; raises Unknown where it is to nothing that we sell."""
    items = found["items"]["data"]
    plan = plan_of_items(items)
    if plan is None:
        text = f"{found['id']} has no price that we sell: {', '.join(map(_price, items))}."
        raise Unknown(text, kind="unknown_price", object_id=found["id"])
    names = _meanings(*plan)
    begin, end = _period(items, names)
    return {
        "tenant": customer.tenant,
        "plan": plan[0],
        "plan_version": plan[1],
        "status": found["status"],
        "currency": found["currency"].upper(),
        "period_start": begin,
        "period_end": end,
        **_course(found),
        **_pending(found, end),
        "items": [
            {"id": item["id"], "price": _price(item), "of": names.get(_price(item), "")} for item in items
        ],
        "discounts": [_discount(each) for each in found["discounts"] or [] if isinstance(each, dict)],
        "latest_invoice": id_of(found["latest_invoice"]),
        "refreshed_at": timezone.now(),
    }


def _course(found: Object) -> Object:
    """When it began, and when and why it ends."""
    return {
        "started_at": _time(found["start_date"]),
        "trial_end": _time(found["trial_end"]),
        "cancel_at": _time(found["cancel_at"]),
        "cancel_reason": (found["cancellation_details"] or {}).get("comment") or "",
        "ended_at": _ended(found),
        "past_due_since": _past_due(found),
    }


def values_of_invoice(customer: Customer, found: Object) -> Object:
    """How an invoice stands."""
    parent = (found["parent"] or {}).get("subscription_details") or {}
    return {
        "customer": id_of(found["customer"]),
        "tenant": customer.tenant,
        "subscription": id_of(parent.get("subscription")),
        "number": found["number"] or "",
        "status": found["status"],
        "reason": found["billing_reason"] or "",
        **_sums(found),
        **_dates(found),
        "hosted_url": found["hosted_invoice_url"] or "",
        "pdf_url": found["invoice_pdf"] or "",
        "attempts": found["attempt_count"] or 0,
        "error": (found["last_finalization_error"] or {}).get("message") or "",
        "lines": lines_of(found, meanings_of_all()),
        "refreshed_at": timezone.now(),
    }


def _sums(found: Object) -> Object:
    """What an invoice comes to."""
    currency = found["currency"]
    taxes = sum(each["amount"] for each in found.get("total_taxes") or [])
    amounts = {name: amount_of(found[name] or 0, currency) for name in AMOUNTS}
    return {"currency": currency.upper(), "tax": amount_of(taxes, currency), **amounts}


def _dates(found: Object) -> Object:
    """What an invoice is about, and when something has happened to it or will."""
    moved = found["status_transitions"] or {}
    return {
        "period_start": _time(found["period_start"]),
        "period_end": _time(found["period_end"]),
        "issued_at": _time(found["created"]),
        "due_at": _time(found["due_date"]),
        "finalized_at": _time(moved.get("finalized_at")),
        "paid_at": _time(moved.get("paid_at")),
        "next_attempt_at": _time(found["next_payment_attempt"]),
    }


def lines_of(invoice: Object, names: dict[str, str]) -> list[Object]:
    """The lines of an invoice or of a preview, in the currency's main unit, with what each is about."""
    return [
        {
            "description": line["description"] or "",
            "amount": str(amount_of(line["amount"], line["currency"])),
            "quantity": str(line.get("quantity_decimal") or line["quantity"] or ""),
            "of": names.get(_price_of_line(line), ""),
            "begin": _iso(line["period"]["start"]),
            "end": _iso(line["period"]["end"]),
            "is_proration": _is_proration(line),
        }
        for line in invoice["lines"]["data"]
    ]


def meanings_of_all() -> dict[str, str]:
    """What each of our prices is for, by its id: "base" or a meter."""
    return {
        price: name for published in PublishedPlan.objects.all() for name, price in published.prices.items()
    }


def plan_of_items(items: list[Object]) -> tuple[str, int] | None:
    """The plan and version whose base price is among the items of a subscription."""
    prices = {_price(item) for item in items}
    for published in PublishedPlan.objects.exclude(prices={}):
        if published.prices[BASE] in prices:
            return published.key, published.number
    return None


def values_of_card(method: Object | None) -> Object:
    """The card of a payment method, if it is one."""
    card = method.get("card") if isinstance(method, dict) else None
    if not card:
        return {"card_brand": "", "card_last4": "", "card_expires": None}
    after = date(card["exp_year"] + card["exp_month"] // 12, card["exp_month"] % 12 + 1, 1)
    return {
        "card_brand": card["brand"],
        "card_last4": card["last4"],
        "card_expires": after - timedelta(days=1),
    }


def tax_id_of(found: Object) -> Object:
    """A tax number, and whether it was found to be right."""
    status = (found["verification"] or {}).get("status") or ""
    return {"id": found["id"], "type": found["type"], "value": found["value"], "status": status}


def id_of(found: Any) -> str:
    """The id, whether or not the object was expanded."""
    if found is None:
        return ""
    return found if isinstance(found, str) else str(found["id"])


def moment(at: int) -> datetime:
    """Stripe's seconds as a time."""
    return datetime.fromtimestamp(at, UTC)


def _meanings(key: str, number: int) -> dict[str, str]:
    prices = PublishedPlan.objects.get(key=key, number=number).prices
    return {price: name for name, price in prices.items()}


def _period(items: list[Object], names: dict[str, str]) -> tuple[datetime, datetime]:
    """That of the base price: metered items that came with a change begin in the middle of it."""
    base = next((item for item in items if names.get(_price(item)) == BASE), items[0])
    return moment(base["current_period_start"]), moment(base["current_period_end"])


def _pending(found: Object, end: datetime) -> Object:
    """The plan that follows: by the schedule's next phase, or when the invoice of a change is paid."""
    schedule, waiting = found["schedule"], found["pending_update"]
    name = id_of(schedule)
    if isinstance(schedule, dict) and schedule["status"] == "active":
        for phase in schedule["phases"]:
            if moment(phase["start_date"]) >= end and (plan := plan_of_items(phase["items"])):
                return _followed_by(plan, moment(phase["start_date"]), name)
    if waiting and (plan := plan_of_items(waiting["subscription_items"] or [])):
        return _followed_by(plan, moment(waiting["expires_at"]), name)
    return {"pending_plan": "", "pending_version": None, "pending_at": None, "schedule": name}


def _followed_by(plan: tuple[str, int], at: datetime, schedule: str) -> Object:
    return {"pending_plan": plan[0], "pending_version": plan[1], "pending_at": at, "schedule": schedule}


def _ended(found: Object) -> datetime | None:
    if found["status"] not in ("canceled", "incomplete_expired"):
        return None
    return _time(found["ended_at"]) or timezone.now()


def _past_due(found: Object) -> datetime | None:
    """Since when it has been unpaid: since its latest invoice went out."""
    if found["status"] not in ("past_due", "unpaid"):
        return None
    invoice = found["latest_invoice"]
    moved = invoice["status_transitions"] if isinstance(invoice, dict) else None
    return _time((moved or {}).get("finalized_at")) or timezone.now()


def _discount(found: Object) -> Object:
    source = (found.get("source") or {}).get("coupon")
    coupon = source if isinstance(source, dict) else {}
    percent, amount = coupon.get("percent_off"), coupon.get("amount_off")
    return {
        "id": found["id"],
        "code": id_of(found.get("promotion_code")),
        "name": coupon.get("name") or coupon.get("id") or "",
        "percent": None if percent is None else str(percent),
        "amount": None if amount is None else str(amount_of(amount, coupon["currency"])),
        "until": _iso(found.get("end")),
    }


def _price(item: Object) -> str:
    return id_of(item["price"])


def _price_of_line(line: Object) -> str:
    details = (line["pricing"] or {}).get("price_details") or {}
    return id_of(details.get("price"))


def _is_proration(line: Object) -> bool:
    parent = line["parent"] or {}
    details = parent.get("invoice_item_details") or parent.get("subscription_item_details") or {}
    return bool(details.get("proration"))


def _time(at: int | None) -> datetime | None:
    return None if at is None else moment(at)


def _iso(at: int | None) -> str | None:
    return None if at is None else moment(at).isoformat()

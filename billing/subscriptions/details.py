"""Card, tax number and promotion codes: what people give Stripe besides their choice of a plan."""

from typing import Any, Final

from billing.accounts.projecting import held, project_customer
from billing.models import Customer, Subscription
from billing.stripe.client import StripeRefused
from billing.subscriptions.acting import Act, acting, need_customer, translated
from billing.subscriptions.deeds import Doing, doing, stripe_account
from billing.subscriptions.problems import NotPossibleNow, UnknownCode
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import Tenant
from tenants.errors import Invalid
from tenants.hosts import address_at
from tenants.models import uuid7
from tenants.routers import CONTROL_ALIAS

HOME: Final = "/billing/"
LONGEST_CODE: Final = 100
LONGEST_NUMBER: Final = 60


def open_stripe_portal(*, tenant: Tenant, actor: Actor, card: bool = True) -> str:
    """The address of a page at Stripe to give another card; without `card`, of all that Stripe lets customers do."""
    need_customer(tenant)
    customer = Customer.objects.get(tenant=tenant.schema)
    back = address_at(tenant.host, HOME)
    params = {"customer": customer.stripe_id, "return_url": back, **(_card_alone(back) if card else {})}
    with translated():
        # Each opening is a deed of its own: a page of before may have been used up.
        session = stripe_account().send(
            lambda client: client.v1.billing_portal.sessions.create, key=f"portal:{uuid7()}", params=params
        )
    data = {"tenant": tenant.schema}
    record(actor=actor, verb="stripe_portal.opened", target=customer, data=data, using=CONTROL_ALIAS)
    return str(session.url)


def apply_promotion_code(*, tenant: Tenant, code: str, actor: Actor) -> Subscription:
    """Take something off the subscription by a code; one code at a time."""
    code = code.strip()
    if not 1 <= len(code) <= LONGEST_CODE:
        raise UnknownCode("Give the code as it was sent to you, such as SPRING-20.", field="code")
    with acting(tenant, "apply_promotion_code", actor, {"code": code}) as act:
        promotion = _promotion(code)
        if all(each["code"] != promotion.id for each in act.running.discounts):
            _discount(act, code, promotion.id)
        return act.finish("subscription.discounted", code=code)


def set_tax_id(*, tenant: Tenant, kind: str, value: str, actor: Actor) -> Customer:
    """Give the tax number that stands on invoices, in the place of another one; an empty value takes it away."""
    need_customer(tenant)
    kind, value = kind.strip(), value.strip().upper()
    if len(value) > LONGEST_NUMBER:
        raise Invalid(f"A tax number has at most {LONGEST_NUMBER} characters.", field="value")
    params = {"kind": kind, "value": value}
    with (
        translated(),
        doing(tenant=tenant.schema, verb="set_tax_id", params=params, actor=actor) as deed,
        held(tenant=tenant.schema) as customer,
    ):
        before = project_customer(customer).tax_ids
        same = [each for each in before if (each["type"], each["value"]) == (kind, value)]
        if value and not same:
            _give_number(deed, customer, kind, value)
        for each in (old for old in before if old not in same[:1]):
            remove: Any = lambda client: client.v1.customers.tax_ids.delete  # noqa: E731
            deed.send(remove, customer.stripe_id, each["id"], name=each["id"])
        deed.done(value)
        data = {"tenant": tenant.schema, "kind": kind, "value": value}
        record(
            actor=actor, verb="billing_customer.tax_id_set", target=customer, data=data, using=CONTROL_ALIAS
        )
        return project_customer(customer)


def _card_alone(back: str) -> dict[str, Any]:
    """Have Stripe's page ask for a card, and lead back when it has one."""
    after = {"type": "redirect", "redirect": {"return_url": back}}
    return {"flow_data": {"type": "payment_method_update", "after_completion": after}}


def _discount(act: Act, code: str, promotion: str) -> None:
    if act.running.discounts:
        raise NotPossibleNow(
            f"The subscription has a discount already: {act.running.discounts[0]['name']}. Another code can be "
            "used when that has ended."
        )
    try:
        act.update(discounts=[{"promotion_code": promotion}])
    except StripeRefused as refusal:
        raise UnknownCode(
            f"The code {code} cannot be used for this subscription: {refusal}", field="code"
        ) from refusal


def _give_number(deed: Doing, customer: Customer, kind: str, value: str) -> None:
    call: Any = lambda client: client.v1.customers.tax_ids.create  # noqa: E731
    try:
        deed.send(call, customer.stripe_id, params={"type": kind, "value": value})
    except StripeRefused as refusal:
        raise _wrong_number(refusal) from refusal


def _promotion(code: str) -> Any:
    rows = stripe_account().read(
        lambda client: client.v1.promotion_codes.list, params={"code": code, "active": True, "limit": 1}
    )
    if not rows.data:
        raise UnknownCode(
            f"There is no code {code!r}, or it is no longer valid. Look for a mistake in typing.",
            field="code",
        )
    return rows.data[0]


def _wrong_number(refusal: StripeRefused) -> Invalid:
    if refusal.param == "type":
        return Invalid(f"Stripe does not know this kind of tax number: {refusal}", field="kind")
    return Invalid(
        "This is no tax number of that kind. Give it with its country, such as DE123456789 for eu_vat.",
        field="value",
    )

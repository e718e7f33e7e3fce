"""Sessions and configurations of the portal where customers look after their billing themselves."""

from __future__ import annotations

from billing.simulator.calls import Call, answers
from billing.simulator.cards import attach, card_named, new_method, set_default
from billing.simulator.refusals import missing_parameter, no_such
from billing.simulator.resources import changeable, readable
from billing.simulator.shapes import Object, filled
from billing.simulator.standing import ENDED, change
from billing.simulator.store import new_id
from billing.simulator.world import World

SESSIONS, CONFIGURATIONS = "/v1/billing_portal/sessions", "/v1/billing_portal/configurations"
ALL_FEATURES: Object = {
    "customer_update": {"allowed_updates": ["email", "tax_id"], "enabled": True},
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True},
    "subscription_cancel": {
        "cancellation_reason": {"enabled": False, "options": []},
        "enabled": True,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_update": {
        "default_allowed_updates": [],
        "enabled": False,
        "proration_behavior": "always_invoice",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}


@answers("POST", CONFIGURATIONS)
def create_configuration(call: Call) -> Object:
    return new_configuration(call.world, call.params)


def new_configuration(world: World, values: Object, *, default: bool = False) -> Object:
    """What the portal lets customers do; what is not said is off."""
    made = filled("billing_portal.configuration", {"active": True, **values}) | {"id": new_id("bpc")}
    given = values.get("features") or {}
    off = {name: {**each, "enabled": False} for name, each in ALL_FEATURES.items()}
    features = {name: {**off[name], **given.get(name, {})} for name in off}
    made["features"] = filled("billing_portal.configuration", {"features": features})["features"]
    made |= {
        "is_default": default,
        "login_page": {"enabled": False, "url": None},
        "metadata": made["metadata"] or {},
    }
    world.stamp(made)
    made["updated"] = made["created"]
    world.emit("billing_portal.configuration.created", made)
    return made


def default_configuration(world: World) -> Object:
    """The one that an account has from the start."""
    found = next(world.store.oldest_first("billing_portal.configuration", is_default=True), None)
    return found or new_configuration(world, {"features": ALL_FEATURES}, default=True)


@answers("POST", SESSIONS)
def create_session(call: Call) -> Object:
    """A page for one customer."""
    if "customer" not in call.params:
        raise missing_parameter("customer")
    call.store.get("customer", call.params["customer"], param="customer")
    if name := call.params.get("configuration"):
        call.store.get("billing_portal.configuration", name, param="configuration")
    else:
        name = default_configuration(call.world)["id"]
    made = filled("billing_portal.session", call.params) | {"id": new_id("bps"), "configuration": name}
    if flow := call.params.get("flow_data"):
        made["flow"] = filled("billing_portal.session", {"flow": _with_end(flow)})["flow"]
        _check_flow(call, made["flow"])
    made["url"] = f"{call.world.address}/p/session/{made['id']}"
    call.world.stamp(made)
    call.world.emit("billing_portal.session.created", made)
    return made


def _with_end(flow: Object) -> Object:
    return {"after_completion": {"type": "portal_homepage"}, **flow}


def _check_flow(call: Call, flow: Object) -> None:
    details = flow.get(flow["type"]) or {}
    if "subscription" in details:
        found = call.store.find("subscription", details["subscription"])
        if found is None or found["customer"] != call.params["customer"]:
            raise no_such("subscription", details["subscription"], param="flow_data", status=400)


def allows(world: World, session: Object, feature: str) -> bool:
    """Whether the configuration of a session has a feature on."""
    configuration = world.store.get("billing_portal.configuration", session["configuration"])
    return bool(configuration["features"][feature]["enabled"])


def replace_card(world: World, customer: Object, number: str, *, proved: bool) -> None:
    """A new card for the customer, and for subscriptions that named the one before."""
    made = new_method(world, card_named(number))
    attach(world, made["id"], customer)
    world.store.secrets[made["id"]]["proved"] = proved
    set_default(world, customer, made["id"])
    for found in running(world, customer):
        if found["default_payment_method"]:
            change(world, found, default_payment_method=made["id"])


def running(world: World, customer: Object) -> list[Object]:
    """Subscriptions that have not ended."""
    found = world.store.newest_first("subscription", customer=customer["id"])
    return [each for each in found if each["status"] not in ENDED]


readable("billing_portal.configuration", CONFIGURATIONS)
changeable("billing_portal.configuration", CONFIGURATIONS, "billing_portal.configuration.updated")

"""What is sold: products and prices, and what makes it cheaper: coupons and promotion codes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from billing.simulator.calls import Call, answers, matching, page
from billing.simulator.refusals import Refusal, missing_parameter
from billing.simulator.resources import changeable, changed, deletable, deleted, one, readable
from billing.simulator.shapes import Object, blank, filled, part
from billing.simulator.store import new_id

PRODUCTS, PRICES, COUPONS, CODES = "/v1/products", "/v1/prices", "/v1/coupons", "/v1/promotion_codes"


@answers("POST", PRODUCTS)
def create_product(call: Call) -> Object:
    """A product, with its default price if one is described."""
    values = {name: value for name, value in call.params.items() if name != "default_price_data"}
    product = new_product(call, values)
    if data := call.params.get("default_price_data"):
        product["default_price"] = new_price(call, {**data, "product": product["id"]})["id"]
    return product


def new_product(call: Call, values: Object) -> Object:
    """A service, active unless said otherwise."""
    name = values.get("id") or new_id("prod", 14)
    if call.store.find("product", name):
        raise Refusal("Product already exists.", param="id", code="resource_already_exists")
    made = filled("product", {"active": True, "type": "service", **values}) | {"id": name}
    made["metadata"] = made["metadata"] or {}
    call.world.stamp(made)
    made["updated"] = made["created"]
    call.world.emit("product.created", made)
    return made


@answers("DELETE", f"{PRODUCTS}/{{}}")
def delete_product(call: Call) -> Object:
    """Refused as long as there are prices: Stripe wants them archived instead."""
    found = call.store.get("product", call.ids[0])
    if any(call.store.oldest_first("price", product=found["id"])):
        raise Refusal(
            "This product cannot be deleted because it has one or more user-created prices.", param="id"
        )
    return deleted(call, found, "product.deleted")


@answers("GET", PRODUCTS)
def list_products(call: Call) -> Object:
    params = {"id" if name == "ids" else name: value for name, value in call.params.items()}
    return page(call, matching(call.store.newest_first("product"), params))


@answers("POST", PRICES)
def create_price(call: Call) -> Object:
    return new_price(call, call.params)


def new_price(call: Call, values: Object) -> Object:
    """A price, checked as Stripe does where types do not say enough."""
    _check_amounts(values)
    _check_meter(call, values.get("recurring"))
    product = _product_of(call, values)
    made = filled("price", {"active": True, "tax_behavior": "unspecified", **values})
    made |= {
        "id": new_id("price"),
        "product": product,
        "type": "recurring" if values.get("recurring") else "one_time",
    }
    made |= _amounts(values)
    if made["recurring"]:
        made["recurring"] |= _recurrence(values["recurring"])
    _take_lookup_key(call, values)
    call.world.stamp(made)
    call.world.emit("price.created", made)
    return made


def _check_amounts(values: Object) -> None:
    tiered = values.get("billing_scheme") == "tiered"
    given = [name for name in ("unit_amount", "unit_amount_decimal", "custom_unit_amount") if name in values]
    if tiered:
        _check_tiers(values)
    elif len(given) != 1:
        raise Refusal(
            "You must specify exactly one of `unit_amount`, `unit_amount_decimal`, or `custom_unit_amount`, "
            "unless `billing_scheme=tiered`.",
            param=given[1] if given else "unit_amount",
            code=None if given else "parameter_missing",
        )
    elif "tiers" in values:
        raise Refusal("`tiers` requires `billing_scheme=tiered`.", param="tiers")


def _check_tiers(values: Object) -> None:
    tiers = values.get("tiers")
    if not tiers:
        raise missing_parameter("tiers")
    if "tiers_mode" not in values:
        raise missing_parameter("tiers_mode")
    if "transform_quantity" in values:
        raise Refusal("`transform_quantity` cannot be combined with `tiers`.", param="transform_quantity")
    bounds = [tier["up_to"] for tier in tiers]
    if bounds[-1] != "inf" or "inf" in bounds[:-1]:
        raise Refusal("The last tier, and only that one, must have `up_to` set to `inf`.", param="tiers")
    if bounds[:-1] != sorted(set(bounds[:-1])):
        raise Refusal("Tiers must be in ascending order of `up_to`.", param="tiers")


def _check_meter(call: Call, recurring: Object | None) -> None:
    if recurring is None:
        return
    metered, meter = recurring.get("usage_type") == "metered", recurring.get("meter")
    if metered and not meter:
        raise Refusal(
            "Metered prices must be backed by a meter: set `recurring[meter]`.",
            param="recurring[meter]",
            code="parameter_missing",
        )
    if meter and not metered:
        raise Refusal(
            "`recurring[meter]` requires `recurring[usage_type]=metered`.", param="recurring[meter]"
        )
    if meter:
        call.store.get("billing.meter", meter, param="recurring[meter]")


def _product_of(call: Call, values: Object) -> str:
    if data := values.get("product_data"):
        return str(new_product(call, data)["id"])
    if "product" not in values:
        raise missing_parameter("product")
    return str(call.store.get("product", values["product"], param="product")["id"])


def _amounts(values: Object) -> Object:
    if values.get("billing_scheme") == "tiered":
        return {
            "unit_amount": None,
            "unit_amount_decimal": None,
            "tiers": [_tier(each) for each in values["tiers"]],
        }
    return {"billing_scheme": "per_unit"} | _both(values, "unit_amount")


def _tier(given: Object) -> Object:
    bound = None if given["up_to"] == "inf" else given["up_to"]
    return {"up_to": bound} | _both(given, "unit_amount") | _both(given, "flat_amount")


def _both(values: Object, name: str) -> Object:
    """An amount as a number of cents, if it is a whole one, and as a decimal text."""
    exact = values.get(f"{name}_decimal", values.get(name))
    if exact is None:
        return {name: None, f"{name}_decimal": None}
    amount = Decimal(str(exact))
    return {name: int(amount) if amount == int(amount) else None, f"{name}_decimal": format(amount, "f")}


def _recurrence(given: Object) -> Object:
    return {
        "interval_count": given.get("interval_count", 1),
        "usage_type": given.get("usage_type", "licensed"),
    }


def _take_lookup_key(call: Call, values: Object) -> None:
    """A lookup key belongs to one price; another takes it over only when it says so."""
    key = values.get("lookup_key")
    holder = next(call.store.oldest_first("price", lookup_key=key), None) if key else None
    if holder is None:
        return
    if not values.get("transfer_lookup_key"):
        raise Refusal(
            f"A price ({holder['id']}) already uses that lookup key. Use `transfer_lookup_key=true` to move it.",
            param="lookup_key",
        )
    changed(call, holder, {"lookup_key": ""}, "price.updated")


@answers("GET", PRICES)
def list_prices(call: Call) -> Object:
    """Prices, also by several lookup keys."""
    params = {"lookup_key" if name == "lookup_keys" else name: value for name, value in call.params.items()}
    return page(call, matching(call.store.newest_first("price"), params))


@answers("POST", f"{PRICES}/{{}}")
def update_price(call: Call) -> Object:
    """Amounts of a price never change; Stripe's parameters leave them out already."""
    found = call.store.get("price", call.ids[0])
    if call.params.get("lookup_key") != found["lookup_key"]:
        _take_lookup_key(call, call.params)
    return changed(call, found, call.params, "price.updated")


@answers("POST", COUPONS)
def create_coupon(call: Call) -> Object:
    """A coupon of a percentage or an amount."""
    values = call.params
    if ("percent_off" in values) == ("amount_off" in values):
        raise Refusal(
            "You must pass either `percent_off` or `amount_off`, and not both.", param="percent_off"
        )
    if "amount_off" in values and "currency" not in values:
        raise missing_parameter("currency")
    if (values.get("duration") == "repeating") != ("duration_in_months" in values):
        raise Refusal("`duration_in_months` goes with `duration=repeating`.", param="duration_in_months")
    made = filled("coupon", values) | {"id": values.get("id") or new_id("co", 8)[3:], "valid": True}
    made["duration"] = values.get("duration", "once")
    if call.store.find("coupon", made["id"]):
        raise Refusal("Coupon already exists.", param="id", code="resource_already_exists")
    made["metadata"] = made["metadata"] or {}
    call.world.stamp(made)
    call.world.emit("coupon.created", made)
    return made


@answers("POST", CODES)
def create_promotion_code(call: Call) -> Object:
    """A code that customers type to get a coupon."""
    coupon = call.store.get("coupon", call.params["promotion"]["coupon"], param="promotion[coupon]")
    code = call.params.get("code") or new_id("x", 8)[2:].upper()
    if any(
        each["code"].lower() == code.lower()
        for each in call.store.oldest_first("promotion_code", active=True)
    ):
        raise Refusal("An active promotion code with this code already exists.", param="code")
    made = filled("promotion_code", {"active": True, **call.params}) | {"id": new_id("promo"), "code": code}
    made["promotion"] = part("promotion_code", "promotion", type="coupon", coupon=coupon["id"])
    made["restrictions"] = made["restrictions"] or {}
    made["restrictions"].setdefault("first_time_transaction", False)
    made["metadata"] = made["metadata"] or {}
    call.world.stamp(made)
    call.world.emit("promotion_code.created", made)
    return made


def usable_code(call: Call, code: str, customer: str | None) -> Object:
    """The active promotion code with this text, for this customer."""
    for found in call.store.oldest_first("promotion_code", active=True):
        if (
            found["code"].lower() == code.lower()
            and found["customer"] in (None, customer)
            and _is_open(call, found)
        ):
            return found
    raise Refusal("This promotion code is not valid.", param="promotion_code", code="promotion_code_invalid")


def _is_open(call: Call, found: Object) -> bool:
    coupon = call.store.find("coupon", found["promotion"]["coupon"])
    late = found["expires_at"] is not None and found["expires_at"] <= call.world.now()
    used_up = found["max_redemptions"] is not None and found["times_redeemed"] >= found["max_redemptions"]
    return bool(coupon and coupon["valid"] and not late and not used_up)


def price_of(call: Call, given: Object, param: str) -> Object:
    """The price that an item names or describes."""
    if data := given.get("price_data"):
        return new_price(call, data)
    if "price" not in given:
        raise missing_parameter(f"{param}[price]")
    found = call.store.get("price", given["price"], param=f"{param}[price]")
    if not found["active"]:
        raise Refusal(
            "The price specified is inactive. This field only accepts active prices.", param=f"{param}[price]"
        )
    return found


def plan_of(price: Object) -> Object:
    """The old-fashioned plan that still comes with each item of a subscription."""
    recurring: Any = price["recurring"] or {}
    made = blank("plan") | {
        name: price[name] for name in ("active", "billing_scheme", "created", "currency", "id")
    }
    made |= {name: recurring.get(name) for name in ("interval", "interval_count", "meter", "usage_type")}
    made |= {"metadata": price["metadata"], "nickname": price["nickname"], "product": price["product"]}
    return made | {
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "tiers_mode": price["tiers_mode"],
    }


one("product", PRODUCTS)
changeable("product", PRODUCTS, "product.updated")
one("price", PRICES)
readable("coupon", COUPONS)
changeable("coupon", COUPONS, "coupon.updated")
deletable("coupon", COUPONS, "coupon.deleted")
readable("promotion_code", CODES)
changeable("promotion_code", CODES, "promotion_code.updated")

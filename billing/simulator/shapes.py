"""Blank objects with every field that the stripe package's classes declare, so that none is forgotten."""

from __future__ import annotations

import copy
import types
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, Literal, Union, get_args, get_origin

from stripe._list_object import ListObject
from stripe._object_classes import OBJECT_CLASSES, V2_OBJECT_CLASSES
from stripe._stripe_object import StripeObject

Object = dict[str, Any]

# Stripe leaves these out of an answer unless `expand` names them.
HIDDEN: dict[str, frozenset[str]] = {
    "price": frozenset({"tiers", "currency_options"}),
    "customer": frozenset(
        {"subscriptions", "sources", "tax_ids", "cash_balance", "invoice_credit_balance", "tax"}
    ),
    "invoice": frozenset({"payments", "confirmation_secret"}),
    "charge": frozenset({"refunds"}),
    "checkout.session": frozenset({"line_items"}),
    "coupon": frozenset({"applies_to", "currency_options"}),
}
SCALARS: dict[Any, Any] = {str: "", int: 0, bool: False, float: 0.0, Decimal: "0"}


def blank(kind: str) -> Object:
    """A new object of a kind, filled in as far as its type says."""
    return copy.deepcopy(_blank(kind))


@cache
def _blank(kind: str) -> Object:
    return _of_class(class_of(kind)) | {"object": kind}


def class_of(kind: str) -> Any:
    """The package's class of an object kind."""
    module, name = {**V2_OBJECT_CLASSES, **OBJECT_CLASSES}[kind]
    return getattr(import_module(module), name)


def fields_of(kind: Any) -> dict[str, Any]:
    """The annotations that are fields of the answer."""
    return {
        name: hint
        for name, hint in kind.__annotations__.items()
        if get_origin(hint) is not ClassVar
        and name not in ("deleted", "OBJECT_NAME")
        # The package cannot read a map of objects that is null, so Stripe must be leaving it out.
        and name not in getattr(kind, "_inner_class_dicts", ())
        # What begins with an underscore is the package's own.
        and not name.startswith("_")
    }


def filled(kind: str, values: Object, *, onto: Object | None = None) -> Object:
    """A blank object, or the given one, with the parameters that are also fields of it."""
    return _filled(class_of(kind), values, blank(kind) if onto is None else onto)


def part(kind: str, field: str, **values: Any) -> Object:
    """A nested object in full: `part("customer", "invoice_settings", footer="x")`."""
    found: Object = _nested(fields_of(class_of(kind))[field], values)
    return found


def _filled(kind: Any, values: Object, onto: Object) -> Object:
    hints = fields_of(kind)
    for name, value in values.items():
        if name == "metadata":
            onto[name] = merged_metadata(onto.get(name) or {}, value)
        elif name in hints:
            onto[name] = None if value == "" else _nested(hints[name], value)
    return onto


def merged_metadata(old: dict[str, str], new: Any) -> dict[str, str]:
    """Keys are set one by one and unset by an empty value; an empty text unsets all."""
    return {name: value for name, value in {**old, **new}.items() if value != ""} if new else {}


def _nested(hint: Any, value: Any) -> Any:
    """A value where it stands: its own blank first, where the type is an object."""
    inner = [each for each in (get_args(hint) or (hint,)) if isinstance(each, type)]
    classes = [each for each in inner if issubclass(each, StripeObject) and each.__annotations__]
    if isinstance(value, list) and classes:
        return [_nested(classes[0], each) for each in value]
    if isinstance(value, dict) and classes:
        return _filled(classes[0], value, _of_class(classes[0]))
    return copy.deepcopy(value)


def _of_class(kind: Any) -> Object:
    return {name: _value(hint) for name, hint in fields_of(kind).items()}


def _value(hint: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return None if type(None) in arguments else _value(arguments[0])
    if origin is Literal:
        return arguments[0]
    if origin is list:
        return []
    if origin is ListObject:
        return empty_list("")
    return _plain(hint)


def _plain(hint: Any) -> Any:
    if hint in SCALARS:
        return SCALARS[hint]
    if isinstance(hint, type) and issubclass(hint, StripeObject):
        return _of_class(hint) if hint.__annotations__ else {}
    # An id of something, or a map of metadata.
    return {} if get_origin(hint) is not None else ""


def empty_list(url: str) -> Object:
    """A list object without rows."""
    return {"object": "list", "data": [], "has_more": False, "url": url}

"""Holds parameters against the stripe package's own types, and refuses in Stripe's words."""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

from stripe._request_options import RequestOptions
from typing_extensions import get_type_hints, is_typeddict

from billing.simulator.refusals import (
    Refusal,
    bad_enum,
    bad_value,
    empty_parameter,
    missing_parameter,
    unknown_parameter,
)

# Takes a value and the name of its parameter; answers the value in its type, or refuses.
Check = Callable[[Any, str], Any]
OPTIONS = frozenset(RequestOptions.__annotations__)
# The modules import these for type checkers only.
NAMES: dict[str, Any] = {
    "UntypedStripeObject": dict,
    "StripeContext": str,
    "Decimal": Decimal,
    "Mapping": typing.Mapping,
    **{name: getattr(typing, name) for name in ("Any", "Dict", "List", "Literal", "Optional", "Union")},
    "NotRequired": NotRequired,
}
TRUTHS = {"true": True, "false": False, True: True, False: False}


def checked(kind: Any, given: dict[str, Any]) -> dict[str, Any]:
    """The parameters in their types."""
    if kind is None:
        return _nothing_but_expand(given)
    values: dict[str, Any] = check_of(kind)(given, "")
    return values


def _nothing_but_expand(given: dict[str, Any]) -> dict[str, Any]:
    if unknown := sorted(given.keys() - {"expand"}):
        raise unknown_parameter(unknown[0])
    return given


@cache
def check_of(kind: Any) -> Check:
    """The check of one type, made once."""
    origin = get_origin(kind)
    if origin in (NotRequired, Required):
        return check_of(get_args(kind)[0])
    if is_typeddict(kind):
        return _object(kind)
    if origin in (Union, types.UnionType):
        return _union(get_args(kind))
    if origin is Literal:
        return _enum(tuple(str(value) for value in get_args(kind)))
    if origin in (list, typing.List):  # noqa: UP006 - the package's annotations
        return _list(check_of(get_args(kind)[0]))
    return _map(kind) if origin is dict or kind is dict else SCALARS.get(kind, _anything)


def _object(kind: Any) -> Check:
    hints = get_type_hints(
        kind, globalns={**NAMES, **vars(sys.modules[kind.__module__])}, include_extras=True
    )
    fields = {name: hint for name, hint in hints.items() if name not in OPTIONS}
    required = [name for name in kind.__required_keys__ if name in fields]

    def check(value: Any, param: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Refusal("Invalid object", param=param, code="parameter_invalid_object")
        for name in value:
            if name not in fields:
                raise unknown_parameter(_inside(param, name))
        for name in required:
            if name not in value:
                raise missing_parameter(_inside(param, name))
        return {name: check_of(fields[name])(each, _inside(param, name)) for name, each in value.items()}

    return check


def _union(kinds: tuple[Any, ...]) -> Check:
    literals = [kind for kind in kinds if get_origin(kind) is Literal]
    choices = tuple(str(value) for kind in literals for value in get_args(kind))
    # `Literal["a"] | str` is an enum that may grow; `Literal[""] | str` is a text that can be unset.
    is_enum = str in kinds and set(choices) - {""}
    others = [check_of(kind) for kind in kinds if kind not in literals and not (is_enum and kind is str)]

    def check(value: Any, param: str) -> Any:
        if isinstance(value, str) and value in choices:
            return value
        refusal: Refusal | None = None
        for other in others:
            try:
                return other(value, param)
            except Refusal as error:
                refusal = error if refusal is None or _deeper(error, refusal) else refusal
        raise refusal or bad_enum(param, choices)

    return check


def _deeper(one: Refusal, other: Refusal) -> bool:
    return len(one.error.get("param", "")) > len(other.error.get("param", ""))


def _enum(choices: tuple[str, ...]) -> Check:
    def check(value: Any, param: str) -> Any:
        if str(value).lower() not in choices and str(value) not in choices:
            raise bad_enum(param, choices)
        return TRUTHS.get(value, value) if set(choices) <= {"True", "False"} else value

    return check


def _list(each: Check) -> Check:
    def check(value: Any, param: str) -> list[Any]:
        if not isinstance(value, list):
            raise Refusal("Invalid array", param=param, code="parameter_invalid_array")
        return [each(item, _inside(param, str(at))) for at, item in enumerate(value)]

    return check


def _map(kind: Any) -> Check:
    arguments = get_args(kind)
    each = check_of(arguments[1]) if len(arguments) == 2 else _anything

    def check(value: Any, param: str) -> dict[str, Any]:
        if isinstance(value, list):
            value = {str(at): item for at, item in enumerate(value)}
        if not isinstance(value, dict):
            raise Refusal("Invalid object", param=param, code="parameter_invalid_object")
        return {
            name: item if item == "" else each(item, _inside(param, name)) for name, item in value.items()
        }

    return check


def _text(value: Any, param: str) -> str:
    if not isinstance(value, str):
        raise Refusal("Invalid string", param=param, code="parameter_invalid_string")
    if not value:
        raise empty_parameter(param)
    return value


def _integer(value: Any, param: str) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise bad_value(param, "integer", value) from None


def _number(value: Any, param: str) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise bad_value(param, "number", value) from None


def _decimal(value: Any, param: str) -> str:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise bad_value(param, "decimal", value)
    return format(found.normalize(), "f")


def _boolean(value: Any, param: str) -> bool:
    if not isinstance(value, str | bool) or value not in TRUTHS:
        raise bad_value(param, "boolean", value)
    return TRUTHS[value]


def _anything(value: Any, param: str) -> Any:
    return value


def _inside(param: str, name: str) -> str:
    return f"{param}[{name}]" if param else name


SCALARS: dict[Any, Check] = {
    str: _text,
    int: _integer,
    float: _number,
    bool: _boolean,
    Decimal: _decimal,
}

"""Values that follow from the columns of their row: said once, read in Python and in SQL."""

import operator
from collections.abc import Callable
from typing import Any, Final, Generic, Self, TypeVar, overload

from django.db.models import F, Value
from django.db.models.expressions import Combinable, CombinedExpression

T = TypeVar("T")
OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}


class Derived(Generic[T]):
    """A read-only attribute of a model, made of its columns with +, - and *."""

    def __init__(self, expression: Combinable) -> None:
        self.expression = expression

    @overload
    def __get__(self, row: None, owner: Any = None) -> Self: ...
    @overload
    def __get__(self, row: object, owner: Any = None) -> T: ...
    def __get__(self, row: object | None, owner: Any = None) -> Self | T:
        if row is None:
            return self
        value: T = _value(self.expression, row)
        return value


def _value(expression: Any, row: object) -> Any:
    if isinstance(expression, F):
        return getattr(row, expression.name)  # type: ignore[attr-defined]  # the stubs leave it out
    if isinstance(expression, Value):
        return expression.value
    if isinstance(expression, CombinedExpression):
        return OPERATORS[expression.connector](_value(expression.lhs, row), _value(expression.rhs, row))
    raise TypeError(f"{expression!r} cannot be worked out in Python: use columns, numbers, +, - and *.")

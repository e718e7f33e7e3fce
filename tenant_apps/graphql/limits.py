"""What one query may cost, reckoned before anything is read: rows asked for, multiplied down the tree."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from graphql import GraphQLError
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)
from strawberry.extensions import SchemaExtension

DEEPEST: Final = 10
MOST_ALIASES: Final = 30
MOST_TOKENS: Final = 2_000
DEAREST: Final = 10_000
MOST_AT_ONCE: Final = 100
PAGED: Final = frozenset({"categories", "customers", "orders", "products"})
# Lists without pages, by the number of rows that they usually have.
WHOLE_LISTS: Final = {"lines": 10, "variants": 10, "levels": 5, "children": 10}


class CostLimit(SchemaExtension):
    """Refuses a query that asks for too many rows; an answer of 10,000 rows is an export's business."""

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        assert context.graphql_document is not None, "it is parsed before it is validated"
        cost = cost_of(context.graphql_document, context.operation_name, context.variables or {})
        if cost > DEAREST:
            context.pre_execution_errors = [
                GraphQLError(
                    f"This query asks for up to {cost:,} rows, and {DEAREST:,} are allowed. Ask for smaller pages"
                    " (`first`), or for the inner lists in queries of their own.",
                    extensions={"code": "too_costly", "cost": cost, "most": DEAREST},
                )
            ]
        yield


def cost_of(document: DocumentNode, operation: str | None, variables: Mapping[str, Any]) -> int:
    """The most rows that an operation can read; the dearest one when none is named."""
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    named = [
        node
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
        and (operation is None or (node.name is not None and node.name.value == operation))
    ]
    return max((_cost(node.selection_set, fragments, variables) for node in named), default=0)


def _cost(
    chosen: SelectionSetNode | None,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],
) -> int:
    total = 0
    for node in chosen.selections if chosen else ():
        if isinstance(node, FragmentSpreadNode):
            total += _cost_of_fragment(node.name.value, fragments, variables)
        elif isinstance(node, FieldNode):
            rows = _rows(node, variables)
            total += rows + max(rows, 1) * _cost(node.selection_set, fragments, variables)
        else:
            total += _cost(node.selection_set, fragments, variables)  # type: ignore[attr-defined]  # inline
    return total


def _cost_of_fragment(
    name: str, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
) -> int:
    # One that is not there, or that holds itself, is refused by the validation that follows.
    others = {other: node for other, node in fragments.items() if other != name}
    return _cost(fragments[name].selection_set, others, variables) if name in fragments else 0


def _rows(node: FieldNode, variables: Mapping[str, Any]) -> int:
    """How many rows a field itself may read: those of its page, of a whole list, or one for each object."""
    if node.selection_set is None or node.name.value in {"edges", "node", "pageInfo"}:
        return 0
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    for name in ("first", "last"):
        if name in given:
            return _number(given[name], variables)
    if node.name.value in PAGED:
        raise GraphQLError(
            f"Say how many of `{node.name.value}` you want: `first` or `last`, at most {MOST_AT_ONCE}.",
            nodes=[node],
            extensions={"code": "page_size_missing"},
        )
    return WHOLE_LISTS.get(node.name.value, 1)


def _number(value: Any, variables: Mapping[str, Any]) -> int:
    """An argument's value. What is no number is refused elsewhere and counts as the largest page here."""
    given = variables.get(value.name.value) if isinstance(value, VariableNode) else None
    if isinstance(value, IntValueNode):
        given = int(value.value)
    return max(0, given) if isinstance(given, int) else MOST_AT_ONCE

"""Exports: every row of a list as a file, by columns that are declared once for the API and the portal."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.expressions import Combinable, F
from django.http import StreamingHttpResponse

from tenants.context import current_tenant, stream_in
from tenants.sheets import ROWS_AT_ONCE, csv_pieces
from tenants.users.permissions import can
from tenants.workbooks import CONTENT_TYPE, xlsx_pieces

Pieces = Callable[[Sequence[Any], Iterable[Sequence[Any]]], Iterator[bytes]]
FORMATS: Final[dict[str, tuple[Pieces, str]]] = {
    "csv": (csv_pieces, "text/csv; charset=utf-8"),
    "xlsx": (xlsx_pieces, CONTENT_TYPE),
}

EXPORT: Final = "export"
PARAMETERS: Final = frozenset({"format", "sheet"})


@dataclass(frozen=True)
class Sheet:
    """The columns of one export, each a path or an expression on the rows of the list.

    `guarded` names columns that need a verb of their own; they are left out for who does not hold it. Columns that
    lead to many rows, such as an order's lines, make a row of each; `then` puts these in order, `only` narrows them.
    """

    name: str
    columns: Mapping[str, str | Combinable]
    guarded: Mapping[str, str] = field(default_factory=dict)
    then: tuple[str, ...] = ()
    only: Q = field(default_factory=Q)

    def file(self, rows: QuerySet[Any], form: str, caller: Any) -> StreamingHttpResponse:
        """All of these rows as a file that is made while it is sent."""
        names = [name for name in self.columns if self._may_see(name, caller)]
        chosen = self._chosen(rows, names)
        pieces, content_type = FORMATS[form]
        return StreamingHttpResponse(
            stream_in(current_tenant(), lambda: pieces(names, _cells(chosen))),
            content_type=content_type,
            headers={"Content-Disposition": f'attachment; filename="{self.name}.{form}"'},
        )

    def _may_see(self, name: str, caller: Any) -> bool:
        return name not in self.guarded or can(caller, self.guarded[name])

    def _chosen(self, rows: QuerySet[Any], names: list[str]) -> QuerySet[Any, tuple[Any, ...]]:
        order: Sequence[Any] = rows.query.order_by or rows.model._meta.ordering or ["-id"]
        is_whole = {"pk", "-pk", "id", "-id"} & {str(name) for name in order}
        last = [] if is_whole else ["-pk" if str(order[-1]).startswith("-") else "pk"]
        paths = [self.columns[name] for name in names]
        columns = [F(path) if isinstance(path, str) else path for path in paths]
        narrowed = rows.filter(self.only) if self.only else rows
        # Related records that the list loads whole are columns here.
        plain = narrowed.select_related(None).prefetch_related(None)
        return plain.order_by(*order, *last, *self.then).values_list(*columns)


def _cells(rows: QuerySet[Any, tuple[Any, ...]]) -> Iterator[list[Any]]:
    for row in rows.iterator(chunk_size=ROWS_AT_ONCE):
        yield [_cell(value) for value in row]


def _cell(value: Any) -> Any:
    """A value as people and programs read it in a cell."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False) if value else ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value) if isinstance(value, UUID) else "" if value is None else value

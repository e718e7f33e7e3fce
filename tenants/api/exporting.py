"""Exports of lists over HTTP: exactly the rows that the list's own filters, search and order leave."""

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.failures import InvalidQuery
from tenants.api.renderers import CSVRenderer, JSONRenderer
from tenants.exporting import FORMATS, Sheet
from tenants.standing import Purpose
from tenants.workbooks import CONTENT_TYPE


class XLSXRenderer(JSONRenderer):
    """Lets a caller ask for a workbook. The file itself is streamed; what is rendered here are problems."""

    media_type = CONTENT_TYPE
    format = "xlsx"


class Exports:
    """GET …/export/: the whole list as a file. `sheets` declares its columns; the first one is what is sent unasked."""

    sheets: ClassVar[tuple[Sheet, ...]]
    purposes: ClassVar[dict[str, Purpose]] = {"export": Purpose.EXPORT}

    @extend_schema(
        responses={
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "The rows, a header first."),
            (200, CONTENT_TYPE): OpenApiResponse(OpenApiTypes.BINARY, "The same as a workbook."),
        }
    )
    @action(detail=False, methods=["get"], renderer_classes=[CSVRenderer, XLSXRenderer, JSONRenderer])
    def export(self: Any, request: Request, **path: Any) -> Response:
        """Export all rows that these filters leave, as CSV or XLSX."""
        sheets = {sheet.name: sheet for sheet in self.sheets}
        form = _chosen(request, "format", list(FORMATS))
        sheet = sheets[_chosen(request, "sheet", list(sheets))]
        answer: Any = sheet.file(self.filter_queryset(self.get_queryset()), form, request.user)
        return answer  # type: ignore[no-any-return]


def _chosen(request: Request, name: str, words: list[str]) -> str:
    word = request.query_params.get(name, words[0])
    if word not in words:
        raise InvalidQuery({name: [ErrorDetail(f"Send one of: {', '.join(words)}.", "invalid_choice")]})
    return word

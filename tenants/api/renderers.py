"""How answers are written: JSON with exact decimals, times in UTC."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from django.utils.functional import Promise
from rest_framework.renderers import BaseRenderer

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form: give the renderer plain data.")


def dump_json(data: Any) -> bytes:
    """Write `data` as JSON the way the API does."""
    return orjson.dumps(data, default=_plain, option=OPTIONS)


class JSONRenderer(BaseRenderer):
    """application/json by orjson."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Render an answer; no data is no body."""
        return b"" if data is None else dump_json(data)


class CSVRenderer(JSONRenderer):
    """Lets a caller ask for text/csv. The file itself is streamed; what is rendered here are problems."""

    media_type = "text/csv"
    format = "csv"

"""How bodies are read: strict JSON, because what is read leniently is stored wrongly."""

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ErrorDetail, ParseError, UnsupportedMediaType, ValidationError
from rest_framework.parsers import BaseParser

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20
MAX_DIGITS = 100
MAX_NAME = 200


class StrictJSONParser(BaseParser):
    """application/json in UTF-8, one object, no duplicate keys, no NaN, limited in size and depth.

    A view may raise `max_body_bytes`, or set `top_level = list` to take a list.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Read the body or refuse it with a reason."""
        view = (parser_context or {}).get("view")
        _check_charset(media_type or "")
        data = _load(_text(_read(stream, getattr(view, "max_body_bytes", MAX_BYTES))))
        expected = getattr(view, "top_level", dict)
        if not isinstance(data, expected):
            what = "an object in braces {…}" if expected is dict else "a list in brackets […]"
            raise _invalid(f"The body must be {what}.", "wrong_type")
        _check(data, 1)
        return data


def _check_charset(media_type: str) -> None:
    for parameter in media_type.lower().split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name == "charset" and value.strip('" ') not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(media_type, "JSON is read as UTF-8 only: leave the charset out.")


def _read(stream: IO[Any], limit: int) -> bytes:
    body: bytes = stream.read(limit + 1)
    if len(body) > limit:
        raise RequestDataTooBig(f"The body is larger than the {limit} bytes allowed here.")
    return body


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParseError(f"The body is not UTF-8: byte {error.start} cannot be read.") from error


def _load(text: str) -> Any:
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        raise ParseError(
            f"Malformed JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise _too_deep() from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ParseError(f"The name {twice[:MAX_NAME]!a} appears twice in one object.")
    return found


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise _invalid(f"A number has more than {MAX_DIGITS} digits.", "number_too_long")
    return int(text)


def _number(text: str) -> float:
    if len(text) > MAX_DIGITS or abs(float(text)) == float("inf"):
        raise _invalid("A number is out of range.", "number_too_long")
    return float(text)


def _constant(name: str) -> NoReturn:
    raise ParseError(f"Malformed JSON: {name} is not a JSON value.")


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            raise _too_deep()
        for name in value if isinstance(value, dict) else ():
            _check_name(name)
        for item in value.values() if isinstance(value, dict) else value:
            _check(item, depth + 1)


def _check_name(name: str) -> None:
    # Errors repeat the names of what is wrong: they have to stay readable.
    if len(name) > MAX_NAME:
        raise _invalid(f"A name in the body is longer than {MAX_NAME} characters.", "name_too_long")
    check_text(name)


def check_text(text: str) -> None:
    """Refuse what no database column and no answer can hold."""
    if "\x00" in text:
        raise _invalid("Text must not contain the NUL character.", "null_character")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise _invalid("Text must be valid Unicode: it contains half of a surrogate pair.", "invalid_unicode")


def _too_deep() -> ParseError:
    return ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.")


def _invalid(detail: str, code: str) -> ValidationError:
    return ValidationError({"non_field_errors": [ErrorDetail(detail, code)]})

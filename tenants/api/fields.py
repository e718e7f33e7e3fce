"""Input fields that take exactly what they name: no guessing between strings, numbers and booleans."""

import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from rest_framework import serializers

LONGEST_TEXT: Final = 10_000
LEAST_INTEGER, MOST_INTEGER = -(2**31), 2**31 - 1
DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,10})?")
CANONICAL_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
# Overrides and isolates that make text read differently from what it holds.
DIRECTION_CONTROLS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
LINE_BREAKS: Final = frozenset("\t\n\r")


def strange_character(text: str, *, multiline: bool) -> str | None:
    """The name of the first character that text must not hold, or None."""
    if text.isascii() and text.isprintable():
        return None
    for character in text:
        if character in LINE_BREAKS and multiline:
            continue
        if character in DIRECTION_CONTROLS or unicodedata.category(character) in ("Cc", "Cs"):
            return unicodedata.name(character, f"U+{ord(character):04X}")
    return None


def parse_timestamp(text: str) -> datetime | None:
    """An RFC 3339 time with its offset, in UTC; None when it is none."""
    if not TIMESTAMP.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_decimal(text: str) -> Decimal | None:
    """A plain decimal number: ASCII digits, no exponent, no sign but minus."""
    return Decimal(text) if DECIMAL.fullmatch(text) else None


class TextField(serializers.CharField):
    """One line of text."""

    multiline = False
    default_error_messages = {
        "invalid": "Send a string.",
        "strange_character": "Text here must not contain {name}: remove it.",
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.pop("style", None)
        if not kwargs.get("read_only"):
            kwargs.setdefault("max_length", LONGEST_TEXT)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if (name := strange_character(data, multiline=self.multiline)) is not None:
            self.fail("strange_character", name=name)
        return data.strip() if self.trim_whitespace else data


class LongTextField(TextField):
    """Several lines of text."""

    multiline = True


class EmailField(TextField, serializers.EmailField):
    """An e-mail address."""


class SecretField(TextField):
    """A password: taken as it is, never given back."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"write_only": True, "trim_whitespace": False, "max_length": 1024, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class IntegerField(serializers.IntegerField):
    """A JSON integer that fits the column."""

    default_error_messages = {"invalid": "Send a whole number, without quotes."}

    def __init__(self, **kwargs: Any) -> None:
        if not kwargs.get("read_only"):
            kwargs["min_value"] = max(LEAST_INTEGER, kwargs.get("min_value", LEAST_INTEGER))
            kwargs["max_value"] = min(MOST_INTEGER, kwargs.get("max_value", MOST_INTEGER))
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return int(data)


class MoneyField(serializers.DecimalField):
    """An amount as a decimal string, exact to the cent."""

    default_error_messages = {
        "invalid": 'Send the amount as a decimal string such as "12.50".',
        "max_decimal_places": "Amounts are exact to {max_decimal_places} decimal places.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_digits": 12, "decimal_places": 2, **kwargs})

    def to_internal_value(self, data: Any) -> Decimal:
        amount = parse_decimal(data) if isinstance(data, str) else None
        if amount is None:
            self.fail("invalid")
        return self.quantize(self.validate_precision(amount)) + 0  # -0.00 is 0.00

    def to_representation(self, value: Decimal) -> str:
        return f"{value:.{self.decimal_places}f}"


class BooleanField(serializers.BooleanField):
    """true or false."""

    default_error_messages = {"invalid": "Send true or false, without quotes."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class ChoiceField(serializers.ChoiceField):
    """One word of a list; `enum` is the name of that list in the OpenAPI document."""

    default_error_messages = {"invalid_choice": "This is not one of the words allowed here: {words}."}

    def __init__(self, *, enum: str, may_be_empty: bool = False, **kwargs: Any) -> None:
        self.enum, self.may_be_empty = enum, may_be_empty
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", words=", ".join(map(str, self.choices)))
        return data


class IdField(serializers.UUIDField):
    """An id in the form in which the API gives it out."""

    default_error_messages = {"invalid": "Send an id: a UUID such as 0190b3c4-8d2e-7c41-9a53-2f1e6b7d8c90."}

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str) or not CANONICAL_UUID.fullmatch(data):
            self.fail("invalid")
        return UUID(data)


class ReferenceField(serializers.PrimaryKeyRelatedField[Any]):
    """The id of another record. An unknown id and one that lives elsewhere get the same answer."""

    default_error_messages = {"does_not_exist": "No record with this id exists here."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"pk_field": IdField(), **kwargs})


class TimestampField(serializers.DateTimeField):
    """An RFC 3339 time; kept and shown in UTC."""

    default_error_messages = {
        "invalid": "Send an RFC 3339 time with its offset, such as 2026-01-31T09:30:00Z."
    }

    def to_internal_value(self, value: Any) -> datetime:
        moment = parse_timestamp(value) if isinstance(value, str) else None
        if moment is None:
            self.fail("invalid")
        return moment

    def to_representation(self, value: datetime) -> datetime:  # type: ignore[override]  # the renderer writes it
        return value

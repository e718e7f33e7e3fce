"""What the verbs share: rows locked before they change, inputs cleaned, database refusals translated."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, TypeVar

from django.db import IntegrityError
from django.db.models import Model, TextChoices
from psycopg.errors import UniqueViolation

from tenants.errors import DomainError, Invalid, NotFound

CENT: Final = Decimal("0.01")
HIGHEST_PRICE: Final = Decimal("9999999999.99")
MOST_AT_ONCE: Final = 1_000_000
MOST_TAGS: Final = 20
MOST_METADATA: Final = 50

Row = TypeVar("Row", bound=Model)


def locked(row: Row, *, deleting: bool = False) -> Row:
    """The row as it is now, locked until the transaction ends."""
    rows = type(row)._base_manager.select_for_update(no_key=not deleting)
    fresh = rows.filter(pk=row.pk).first()
    if fresh is None:
        raise NotFound(f"This {row._meta.verbose_name} does not exist any more.")
    return fresh


@contextmanager
def refused_as(error: DomainError, violation: type[Exception] = UniqueViolation) -> Iterator[None]:
    """Turn the database's refusal into ours; its SQLSTATE decides, never the name of a constraint."""
    try:
        yield
    except IntegrityError as cause:
        if not isinstance(cause.__cause__, violation):
            raise
        raise error from cause


def clean_text(text: str, *, field: str) -> str:
    """Text that the database can store: no NUL, no half characters."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Invalid(
            f"The {field} contains characters that are no text (NUL or half a surrogate pair).", field=field
        )
    return text.strip()


def clean_line(text: str, *, field: str, most: int, needed: bool = True) -> str:
    """One line of text without surplus white space; refuses too much, and an empty one where it is needed."""
    text = " ".join(clean_text(text, field=field).split())
    if needed and not text:
        raise Invalid(f"The {field} is empty. Give at least one character.", field=field)
    if len(text) > most:
        raise Invalid(f"The {field} has {len(text)} characters; at most {most} fit.", field=field)
    return text


def clean_choice(value: str, choices: type[TextChoices], *, field: str) -> str:
    """One of the given values."""
    if value not in choices.values:
        raise Invalid(f"{value!r} is no {field}. Choose one of: {', '.join(choices.values)}.", field=field)
    return value


def clean_currency(code: str) -> str:
    """A currency's three capital letters (ISO 4217)."""
    if not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
        raise Invalid(
            f"{code!r} is no currency code. Give three capital letters, such as EUR.", field="currency"
        )
    return code


def clean_price(price: Decimal, *, field: str = "price") -> Decimal:
    """An amount in whole cents, not negative. A fraction of a cent is refused, not rounded away."""
    if not price.is_finite() or not 0 <= price <= HIGHEST_PRICE:
        raise Invalid(f"The price must be between 0.00 and {HIGHEST_PRICE}, not {price}.", field=field)
    if price != rounded(price):
        raise Invalid(f"The price {price} has fractions of a cent. Give at most two decimals.", field=field)
    return rounded(price)


def clean_tags(tags: list[str]) -> list[str]:
    """Words to group products by: in lower case, each once, in the order given."""
    cleaned = [clean_line(tag.lower(), field="tags", most=40) for tag in tags]
    if len(cleaned) > MOST_TAGS:
        raise Invalid(f"A product has at most {MOST_TAGS} tags, not {len(cleaned)}.", field="tags")
    return list(dict.fromkeys(cleaned))


def clean_metadata(metadata: dict[str, str]) -> dict[str, str]:
    """Text by names, for programs to keep what they need."""
    if len(metadata) > MOST_METADATA:
        raise Invalid(
            f"Metadata has at most {MOST_METADATA} names, not {len(metadata)}.",
            field="metadata",
        )
    return {
        clean_line(name, field="metadata", most=40): clean_line(
            text, field="metadata", most=500, needed=False
        )
        for name, text in metadata.items()
    }


def clean_quantity(quantity: int, *, field: str = "quantity") -> int:
    """A number of pieces: at least one."""
    if not 1 <= quantity <= MOST_AT_ONCE:
        raise Invalid(
            f"The quantity must be a whole number from 1 to {MOST_AT_ONCE}, not {quantity}.", field=field
        )
    return quantity


def clean_level(level: int | None, *, field: str) -> int | None:
    """A stock level, or none."""
    if level is not None and not 0 <= level <= MOST_AT_ONCE:
        raise Invalid(f"The level must be a whole number from 0 to {MOST_AT_ONCE}, not {level}.", field=field)
    return level


def rounded(amount: Decimal) -> Decimal:
    """An amount in cents; halves are rounded away from zero (ROUND_HALF_UP), as invoices are."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)

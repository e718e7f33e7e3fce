"""The lines of an invoice, whoever wrote it, as people and programs read them."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Self

from billing.meters import METERS

TIER: Final = re.compile(r"\(Tier (\d+)\)")
ONE: Final = re.compile(r"^1 × ")


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line. `of` is a meter's key, "base" or "minimum"; nothing for what Stripe adds of its own."""

    text: str
    amount: Decimal
    of: str = ""
    quantity: str = ""
    is_proration: bool = False

    @classmethod
    def of_mirror(cls, line: dict[str, Any]) -> Self:
        """A line as `billing.accounts.reading.lines_of` keeps it."""
        amount, of, is_proration = Decimal(line["amount"]), line["of"], line["is_proration"]
        text = line["description"] if is_proration else _readable(line["description"], of)
        return cls(text, amount, of, line["quantity"], is_proration)

    @property
    def is_empty(self) -> bool:
        """Whether it stands for nothing at all: a meter that was not used, or a tier that was not reached."""
        return not self.amount and not Decimal(self.quantity or 0)


def said(lines: list[dict[str, Any]]) -> tuple[InvoiceLine, ...]:
    """Mirrored lines, without those that stand for nothing."""
    found = (InvoiceLine.of_mirror(line) for line in lines)
    return tuple(line for line in found if not line.is_empty)


def _readable(description: str, of: str) -> str:
    """Of a meter its title alone, as the plan stands above; Stripe names both."""
    if of not in METERS:
        return ONE.sub("", description)
    tier = TIER.search(description)
    return f"{METERS[of].title}, tier {tier[1]}" if tier else METERS[of].title

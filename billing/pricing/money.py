"""Amounts as Stripe has them, in the smallest unit of the currency, and as people have them."""

from decimal import Decimal
from typing import Final

# After Stripe's list; these have no smaller unit, and those three decimals.
WHOLE: Final = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF".split())
THOUSANDTHS: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


def amount_of(units: int, currency: str) -> Decimal:
    """2900 of "eur" are 29.00."""
    return Decimal(units).scaleb(-decimals_of(currency))


def units_of(amount: Decimal, currency: str) -> int:
    """29.00 in "EUR" are 2900."""
    return int(amount.scaleb(decimals_of(currency)).to_integral_exact())


def decimals_of(currency: str) -> int:
    """How many decimals amounts of a currency have."""
    code = currency.upper()
    if code in WHOLE:
        return 0
    return 3 if code in THOUSANDTHS else 2

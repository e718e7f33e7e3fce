"""What of an order's refunds takes something off its sale: one rule for the home page, customers and reports."""

from typing import Final

from django.db.models import DecimalField
from django.db.models.expressions import RawSQL

# As long as an order waits for money, what was given back is owed again. What was paid beyond what it costs now (it was
# edited, or a payment came late) never was a sale, so giving that back takes nothing off it.
GIVEN_BACK_SQL: Final = """
    CASE WHEN status = 'placed' THEN 0 ELSE greatest(0, refunded_total - greatest(0, paid_total - total)) END"""


def given_back() -> RawSQL:
    """The same for a query over orders and nothing else."""
    return RawSQL(GIVEN_BACK_SQL, (), output_field=DecimalField(max_digits=14, decimal_places=2))

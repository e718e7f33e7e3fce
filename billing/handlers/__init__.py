"""What happens when Stripe tells of something: every type of event that we follow, registered with the inbox.

An event says that something may have changed; nothing else is taken from it. Each handler asks Stripe how the object
stands now, holding the customer's row, and brings our picture up to that. So copies, losses and any order end alike.
What lets other processes know (a tenant's access) is written last: it locks a row that all sign-ups need.
"""

from importlib import import_module
from typing import Final

MODULES: Final = (
    "checkouts", "subscriptions", "invoices", "customers", "money_back", "catalogue", "meters", "listing",
)  # fmt: skip


def load() -> None:
    """Register them all; once is enough."""
    for name in MODULES:
        import_module(f"billing.handlers.{name}")

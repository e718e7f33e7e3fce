"""Brings in every module that answers calls."""

from importlib import import_module

MODULES = """
    customers cards catalogue metering payments subscriptions changing items invoices previews schedules clocks history
    checkout customer_portal credits elsewhere endpoints streams
""".split()


def load() -> None:
    """Register the handlers; once is enough."""
    for name in MODULES:
        import_module(f"billing.simulator.{name}")

"""Brings in every module that answers calls."""

from importlib import import_module

MODULES = ("customers", "catalogue", "metering", "history")


def load() -> None:
    """Register the handlers; once is enough."""
    for name in MODULES:
        import_module(f"billing.simulator.{name}")

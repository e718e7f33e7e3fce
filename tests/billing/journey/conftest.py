"""A browser in front of the whole: our server, Stripe's, and the events between them."""

from tests.portal.browsing import chromium, port, tab

__all__ = ["chromium", "port", "tab"]

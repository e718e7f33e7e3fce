"""What tests of the fleet share: customers make its schemas, so much of it is theirs."""

from tests.clients.conftest import order, orphans, post, public, traces

__all__ = ["order", "orphans", "post", "public", "traces"]

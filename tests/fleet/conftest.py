"""What tests of the fleet share: customers make its schemas, so much of it is theirs."""

from tests.clients.conftest import light, light_baseline, order, orphans, post, public, traces

__all__ = ["light", "light_baseline", "order", "orphans", "post", "public", "traces"]

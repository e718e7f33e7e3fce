"""The cache: each realm its own keys, and none outside a realm."""

import pytest
from django.core.cache import cache

from tenants.cache import realm_cache_key
from tenants.context import NoTenant, Tenant, public_context, tenant_context


def test_the_key_names_the_realm(acme: Tenant) -> None:
    with tenant_context(acme):
        assert realm_cache_key("figure", "rowhouse", 1) == f"rowhouse:{acme.id}:1:figure"
    with public_context():
        assert realm_cache_key("figure", "rowhouse", 1) == "rowhouse:public:1:figure"


@pytest.mark.parametrize(
    "use",
    [
        lambda: cache.get("figure"),
        lambda: cache.set("figure", 1),
        lambda: cache.add("figure", 1),
        lambda: cache.delete("figure"),
        lambda: cache.incr("figure"),
        lambda: cache.touch("figure"),
        lambda: cache.get_many(["figure"]),
        lambda: cache.set_many({"figure": 1}),
        lambda: cache.delete_many(["figure"]),
        lambda: cache.get_or_set("figure", 1),
        lambda: "figure" in cache,
    ],
)
def test_no_use_outside_a_realm(use: object) -> None:
    with pytest.raises(NoTenant):
        use()  # type: ignore[operator]


def test_a_key_that_pretends_to_be_another_realm_s_stays_in_its_own(acme: Tenant, globex: Tenant) -> None:
    with tenant_context(globex):
        cache.set("figure", "theirs")
        theirs = realm_cache_key("figure", "rowhouse", 1)
    with tenant_context(acme):
        for forged in (theirs, f"../{globex.id}:1:figure", f":{globex.id}:1:figure"):
            assert cache.get(forged) is None
            cache.set(forged, "forged")
    with tenant_context(globex):
        assert cache.get("figure") == "theirs"


def test_many_keys_at_once_stay_in_their_realm(acme: Tenant, globex: Tenant) -> None:
    with tenant_context(acme):
        cache.set_many({"one": 1, "two": 2})
    with tenant_context(globex):
        assert cache.get_many(["one", "two"]) == {}
        cache.delete_many(["one", "two"])
    with tenant_context(acme):
        assert cache.get_many(["one", "two"]) == {"one": 1, "two": 2}

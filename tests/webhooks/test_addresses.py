"""Where webhooks may go: refused when an endpoint is saved, and again whenever something is sent."""

import ipaddress

import pytest
from django.conf import settings

from tenant_apps.webhooks.addresses import check_url, is_allowed, resolve
from tenant_apps.webhooks.errors import BadAddress
from tenant_apps.webhooks.models import Endpoint
from tenants.context import Tenant, unit_of_work
from tests.domains.nameserver import NameServer
from tests.webhooks.conftest import endpoint_at

INNER = (
    "0.0.0.0 10.1.2.3 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16 169.254.169.254 172.16.0.1 "
    "172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 "
    "239.1.1.1 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 64:ff9b::a9fe:a9fe "
    "64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe::1 3fff::1 5f00::1 fc00::1 "
    "fd00:ec2::254 fe80::1 fec0::1 ff02::1"
).split()
OUTER = "1.1.1.1 8.8.8.8 100.63.255.255 172.32.0.1 192.0.1.1 2606:4700:4700::1111 2a00:1450:4001::1".split()


@pytest.mark.parametrize("text", INNER)
def test_what_is_not_public_is_not_sent_to(text: str) -> None:
    assert not is_allowed(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", OUTER)
def test_public_addresses_are(text: str) -> None:
    assert is_allowed(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("http://shop.example/", "https://"),
        ("ftp://shop.example/", "https://"),
        ("//shop.example/", "https://"),
        ("https:///hooks", "no full host name"),
        ("https://localhost/", "no full host name"),
        ("https://intranet/", "no full host name"),
        ("https://2130706433/", "no full host name"),
        ("https://0x7f.0.0.1/", "no full host name"),
        ("https://127.1/", "no full host name"),
        ("https://10.0.0.300/", "four numbers"),
        ("https://user:secret@shop.example/", "name and password"),
        ("https://shop.example/#part", "after #"),
        ("https://shop.example:22/", "Port 22"),
        ("https://shop.example:0/", "Port 0"),
        ("https://shop.example:99999/", "cannot be read"),
        ("https://[::1/", "cannot be read"),
        ("https://shop.example\\@inner.example/", "plain ASCII"),
        ("https://shop.example/a b", "plain ASCII"),
        ("https://shöp.example/", "plain ASCII"),
        ("https://shop.example/" + "a" * 2000, "at most 2000"),
    ],
)
def test_an_address_that_cannot_be_is_refused_by_its_text(url: str, hint: str) -> None:
    with pytest.raises(BadAddress, match=hint):
        check_url(url)


def test_an_address_is_taken_apart() -> None:
    target = check_url("https://Shop.Example.:8443/hooks?key=1")
    assert (target.host, target.port, target.path) == ("shop.example", 8443, "/hooks?key=1")
    assert target.authority == "shop.example:8443"
    assert check_url("https://[2606:4700::1111]").authority == "[2606:4700::1111]"


@pytest.mark.parametrize(
    ("kind", "value"),
    [("A", "10.0.0.1"), ("AAAA", "::1"), ("AAAA", "::ffff:1.1.1.1"), ("A", "169.254.169.254")],
)
def test_a_name_that_leads_inside_by_one_of_its_addresses_is_refused_on_save(
    kind: str, value: str, dns: NameServer, acme: Tenant
) -> None:
    dns.put("shop.example", "A", "8.8.8.8")
    if kind == "A":
        dns.put("shop.example", "A", "8.8.8.8", value)
    else:
        dns.put("shop.example", kind, value)
    with pytest.raises(BadAddress, match="not a public one") as refused:
        endpoint_at("https://shop.example/", acme)
    assert (refused.value.status, refused.value.field) == (422, "url")
    assert value not in refused.value.detail
    with unit_of_work(acme):
        assert not Endpoint.objects.exists()


def test_a_name_without_an_address_or_without_an_answer_is_refused(dns: NameServer) -> None:
    dns.failing.add("broken.example")
    for host, hint in [("nowhere.example", "know no address"), ("broken.example", "gave no answer")]:
        with pytest.raises(BadAddress, match=hint):
            resolve(check_url(f"https://{host}/"))


def test_the_switch_opens_the_named_addresses_and_no_others(
    dns: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "WEBHOOK_TEST_ADDRESSES", ["127.0.0.1"])
    assert [str(one) for one in resolve(check_url("http://127.0.0.1:9000/"))] == ["127.0.0.1"]
    for url in ("https://127.0.0.2/", "https://[::1]/", "http://8.8.8.8:8080/"):
        with pytest.raises(BadAddress):
            resolve(check_url(url))

"""Which names may be claimed, and in which form they are kept."""

import pytest
from django.conf import settings

from shared_apps.domains.models import Claim
from shared_apps.domains.names import LONGEST, BadDomain, check_domain
from tests.domains.conftest import TARGET

EDGE = ".".join(["a" * 63, "b" * 63, "c" * 63]) + "."


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("shop.acme.example", "shop.acme.example"),
        (" Shop.ACME.Example. ", "shop.acme.example"),
        ("acme.example", "acme.example"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("MÜNCHEN.example", "xn--mnchen-3ya.example"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("shop。acme。example", "shop.acme.example"),
        ("4you.example", "4you.example"),
        (f"{EDGE}{'d' * (LONGEST - len(EDGE) - 3)}.de", f"{EDGE}{'d' * (LONGEST - len(EDGE) - 3)}.de"),
    ],
)
def test_a_name_is_kept_in_one_form_however_it_is_typed(typed: str, kept: str) -> None:
    assert check_domain(typed) == kept


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("", "no host name"),
        ("https://shop.acme.example/", "no https://"),
        ("shop.acme.example:443", "no port"),
        ("shop.acme.example/cart", "no path"),
        ("owner@acme.example", "host name alone"),
        ("shop acme.example", "host name alone"),
        ("acme", "single word"),
        ("com", "single word"),
        ("192.0.2.1", "IP address"),
        ("2001:db8::1", "IP address"),
        ("[2001:db8::1]", "IP address"),
        ("*.acme.example", "wildcard"),
        ("my_shop.acme.example", "no host name"),
        ("-shop.acme.example", "no host name"),
        ("shop..example", "no host name"),
        ("ab--cd.example", "no host name"),
        ("xn--zzzzzzzzz.example", "no host name"),
        ("☃.example", "no host name"),
        ("shop.acme.example\0", "no host name"),
        ("'; drop table--.example", "host name alone"),
        (f"{'a' * 64}.example", "no host name"),
        (f"{EDGE}{'d' * (LONGEST - len(EDGE) - 2)}.de", f"at most {LONGEST}"),
        ("a." * 5_000 + "example", f"at most {LONGEST}"),
        ("printer.local", "public DNS"),
        ("db.internal", "public DNS"),
        ("1.0.0.127.in-addr.arpa", "public DNS"),
        ("shop.acme.42", "public DNS"),
        ("acme.localhost", "platform's|public DNS"),
        (TARGET, "platform's"),
        (f"www.{TARGET}", "platform's"),
        (TARGET.upper(), "platform's"),
    ],
)
def test_a_name_that_nobody_can_have_is_refused_with_what_to_do(typed: str, hint: str) -> None:
    with pytest.raises(BadDomain, match=hint) as refused:
        check_domain(typed)
    assert refused.value.field == "domain"


@pytest.mark.parametrize("name", ["rowhouse.example", "acme.rowhouse.example", "a.b.rowhouse.example"])
def test_the_platforms_own_names_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "PUBLIC_HOST", "rowhouse.example")
    with pytest.raises(BadDomain, match="platform's"):
        check_domain(name)
    assert check_domain("notrowhouse.example") == "notrowhouse.example"


def shown(name: str) -> str:
    return Claim(domain=name).spoken


def test_punycode_is_shown_as_people_read_it() -> None:
    assert shown("xn--mnchen-3ya.example") == "münchen.example"
    assert shown("shop.acme.example") == "shop.acme.example"
    assert shown("xn--zzzzzzzzz.example") == "xn--zzzzzzzzz.example"

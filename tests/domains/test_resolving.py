"""Asking a real name server: what counts as proof, what as no, and what as no answer at all."""

import pytest

from shared_apps.domains.models import Claim
from shared_apps.domains.resolving import SECONDS, Findings, look_up
from tests.domains.conftest import ADDRESS, TARGET
from tests.domains.nameserver import NameServer

TOKEN = "0123456789abcdef0123456789abcdef01234567"
PROOF = f"rowhouse-verify={TOKEN}"
NAME = "shop.acme.example"
CHALLENGE = "_rowhouse-challenge.shop.acme.example"


def asked() -> Findings:
    return look_up(Claim(domain=NAME, token=TOKEN))


def proven_by(dns: NameServer, *values: str) -> bool | None:
    dns.put(CHALLENGE, "TXT", *values)
    return asked().proof.holds


# The proof


@pytest.mark.parametrize(
    "values",
    [
        [f'"{PROOF}"'],
        ['"v=spf1 -all"', f'"{PROOF}"', '"something else"'],
        [f'"rowhouse-" "verify=" "{TOKEN[:7]}" "{TOKEN[7:]}"'],
    ],
    ids=["alone", "among others", "in several strings"],
)
def test_the_exact_value_is_the_proof(dns: NameServer, values: list[str]) -> None:
    assert proven_by(dns, *values) is True


@pytest.mark.parametrize(
    "values",
    [
        [f'"{TOKEN}"'],
        [f'"{PROOF} "'],
        [f'"{PROOF.upper()}"'],
        [f'"x{PROOF}"'],
        ['"rowhouse-verify="', f'"{TOKEN}"'],
        ['"rowhouse-verify=another"'],
        [r'"\\255\\254"'],
    ],
    ids=["token alone", "space", "capitals", "more before", "two records", "another token", "no text"],
)
def test_anything_else_is_none(dns: NameServer, values: list[str]) -> None:
    assert proven_by(dns, *values) is False


def test_a_wildcard_that_answers_for_every_name_needs_the_exact_value_too(dns: NameServer) -> None:
    dns.put("*.shop.acme.example", "TXT", '"rowhouse-verify=whatever"')
    finding = asked().proof
    assert finding.holds is False
    assert "“rowhouse-verify=whatever”" in finding.problem
    assert PROOF in finding.problem
    dns.put("*.shop.acme.example", "TXT", f'"{PROOF}"')
    assert asked().proof.holds is True


def test_the_challenge_may_be_kept_elsewhere_by_an_alias(dns: NameServer) -> None:
    dns.put(CHALLENGE, "CNAME", "proofs.acme.example.")
    dns.put("proofs.acme.example", "TXT", f'"{PROOF}"')
    assert asked().proof.holds is True


def test_nothing_there_is_a_no_that_says_what_to_add(dns: NameServer) -> None:
    assert asked().proof.problem == f"There is no TXT record at {CHALLENGE}."
    dns.put(CHALLENGE, "A", ADDRESS)
    assert asked().proof.holds is False


def test_an_answer_too_long_for_a_datagram_is_fetched_by_tcp(dns: NameServer) -> None:
    dns.truncating = True
    assert proven_by(dns, *[f'"{"filler" * 30}{number}"' for number in range(30)], f'"{PROOF}"') is True
    assert (CHALLENGE, "TXT", "tcp") in dns.asked


def test_an_answer_with_another_number_is_not_believed(dns: NameServer) -> None:
    dns.forging[CHALLENGE, "TXT"] = [f'"{PROOF}"']
    assert proven_by(dns, '"nothing of ours"') is False


@pytest.mark.parametrize("trouble", ["failing", "silent"])
def test_no_answer_is_neither_yes_nor_no(dns: NameServer, trouble: str) -> None:
    getattr(dns, trouble).update({CHALLENGE, NAME})
    findings = asked()
    assert findings.proof.holds is findings.pointing.holds is None
    assert "gave no answer" in findings.proof.problem


def test_a_name_server_that_is_not_there_is_no_answer(
    dns: NameServer, settings: pytest.FixtureRequest
) -> None:
    settings.DNS_RESOLVER = "127.0.0.1:1"  # type: ignore[attr-defined]
    assert asked().proof.holds is None


# Where it leads


def test_an_alias_of_the_target_leads_here(dns: NameServer) -> None:
    dns.put(NAME, "CNAME", f"{TARGET.upper()}.")
    assert asked().pointing.holds is True


def test_so_does_an_alias_of_an_alias(dns: NameServer) -> None:
    dns.put(NAME, "CNAME", "www.acme.example.")
    dns.put("www.acme.example", "CNAME", f"{TARGET}.")
    assert asked().pointing.holds is True


def test_the_top_of_a_domain_leads_here_by_the_same_addresses(dns: NameServer) -> None:
    dns.put(TARGET, "AAAA", "2001:db8::10")
    dns.put(NAME, "A", ADDRESS)
    assert asked().pointing.holds is True
    dns.put(NAME, "AAAA", "2001:db8:0::0010")
    assert asked().pointing.holds is True


@pytest.mark.parametrize(
    ("kind", "values", "problem"),
    [
        ("CNAME", ["elsewhere.example."], "points to elsewhere.example, not to"),
        ("A", ["198.51.100.1"], "an address that is not one of"),
        ("A", [ADDRESS, "198.51.100.1"], "an address that is not one of"),
        ("TXT", ['"nothing"'], "points nowhere"),
    ],
)
def test_anything_else_leads_elsewhere(dns: NameServer, kind: str, values: list[str], problem: str) -> None:
    dns.put(NAME, kind, *values)
    finding = asked().pointing
    assert finding.holds is False
    assert problem in finding.problem
    assert "198.51.100.1" not in finding.problem


def test_aliases_in_a_circle_end(dns: NameServer) -> None:
    dns.put(NAME, "CNAME", "other.acme.example.")
    dns.put("other.acme.example", "CNAME", f"{NAME}.")
    assert asked().pointing.holds is not True


def test_a_target_without_addresses_is_nobodys_address(dns: NameServer) -> None:
    dns.put(TARGET, "A")
    dns.put(NAME, "A")
    assert asked().pointing.holds is False


def test_the_waiting_is_short() -> None:
    assert SECONDS < 5

"""Which subdomains may be taken, and which look like something that they are not."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared_apps.clients.names import LABEL, RESERVED, BadName, check_subdomain, lookalike


@pytest.mark.parametrize("name", ["ini", "initech", "in-it-ech", "7eleven", "a" * 63, "shop24"])
def test_ordinary_names_are_taken_as_they_are(name: str) -> None:
    assert check_subdomain(name) == name


@pytest.mark.parametrize("typed", ["InItech", "  initech ", "INITECH\n"])
def test_case_and_blanks_around_do_not_matter(typed: str) -> None:
    assert check_subdomain(typed) == "initech"


@pytest.mark.parametrize(
    "name",
    [
        "", "a", "ab", "a" * 64, "-initech", "initech-", "ini tech", "ini_tech", "ini.tech", "ini/tech",
        "pg_catalog", "zürich",
        "ıstanbul", "ＡＣＭＥ", "initech\n.evil", "initech\0", "ini:80", "ini@tech", "../etc", "'; DROP SCHEMA public",
    ],
)  # fmt: skip
def test_what_is_no_label_of_a_host_name_is_refused(name: str) -> None:
    with pytest.raises(BadName, match="3 to 63 letters") as refusal:
        check_subdomain(name)
    assert refusal.value.field == "subdomain"


@pytest.mark.parametrize("name", ["xn--80ak6aa92e", "XN--acme", "ab--cd"])
def test_punycode_is_refused(name: str) -> None:
    with pytest.raises(BadName, match="punycode"):
        check_subdomain(name)


@pytest.mark.parametrize("name", ["pg-catalog", "pg-toast", "t-template", "12345", "007"])
def test_names_that_the_platform_needs_are_refused(name: str) -> None:
    with pytest.raises(BadName, match="kept for the platform"):
        check_subdomain(name)


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_reserved_names_are_refused(name: str) -> None:
    with pytest.raises(BadName):
        check_subdomain(name)


@pytest.mark.parametrize(
    "name",
    ["adm1n", "admln", "l0gin", "logln", "wwvv", "5upport", "bi11ing", "b-i-l-l-i-n-g", "adrnin", "sign-1n"],
)
def test_names_that_look_like_reserved_ones_are_refused(name: str) -> None:
    with pytest.raises(BadName, match="looks like it"):
        check_subdomain(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("acme", "acrne"),
        ("globex", "gl0bex"),
        ("initech", "lnltech"),
        ("umbrella", "umbre11a"),
        ("wayne", "vvayne"),
        ("stark-5", "starks"),
        ("acme-uk", "acmeuk"),
        ("acr-ne", "acme"),
    ],
)
def test_names_that_the_eye_confuses_are_the_same_name(one: str, other: str) -> None:
    assert lookalike(one) == lookalike(other)


@pytest.mark.parametrize(("one", "other"), [("acme", "acne"), ("globex", "globes"), ("shop1", "shop2")])
def test_names_that_differ_to_the_eye_stay_apart(one: str, other: str) -> None:
    assert lookalike(one) != lookalike(other)


@given(st.text(max_size=70))
@example("xn--x")
def test_whatever_is_typed_either_becomes_a_safe_label_or_is_refused(typed: str) -> None:
    try:
        name = check_subdomain(typed)
    except BadName:
        return
    assert LABEL.fullmatch(name)
    assert name.isascii()
    assert len(name) <= 63


@given(st.from_regex(LABEL, fullmatch=True))
@example("r-n-r-n")
@example("v-v")
def test_looking_alike_is_settled_after_one_look(name: str) -> None:
    assert lookalike(lookalike(name)) == lookalike(name)

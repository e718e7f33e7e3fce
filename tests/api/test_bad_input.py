"""The classes of bad input: every one answered with a problem, nothing lost, nothing half done."""

import json
from typing import Any

import pytest

from tenant_apps.orders.serializers import NewOrderSerializer
from tests.api.calls import errors, problem

MUG = {"sku": "MUG", "name": "Mug", "price": "9.50"}


def sent(api, text: str | bytes, content_type: str = "application/json"):
    return api.send("post", "products/", text, content_type)


# JSON


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "",
        " ",
        "{'sku': 1}",
        '{"price": NaN}',
        '{"price": Infinity}',
        '{"sku": "A", "sku": "B"}',
        '{"name": {"a": 1, "a": 2}}',
        b'{"sku": "\xff\xfe"}',
        '{"sku": "A"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"sku": "A"}',
        "[" * 100_000,
        '{"a":' * 50 + "1" + "}" * 50,
        '{"sku": "A"} trailing',
    ],
    ids=lambda text: repr(text)[:24],
)
def test_malformed_json_is_400(owner_api, text):
    answer = sent(owner_api, text)
    if text == "":
        assert errors(answer)["/sku"] == "required"
    else:
        problem(answer, 400, "malformed_body")


@pytest.mark.parametrize("text", ["[]", '"text"', "1", "null", "true"])
def test_a_body_that_is_no_object_is_422(owner_api, text):
    assert errors(sent(owner_api, text)) == {"": "wrong_type"}


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-16", "application/json; charset=latin-1", "text/json", "text/plain", ""],
)
def test_other_charsets_and_types_are_415(owner_api, content_type):
    problem(sent(owner_api, json.dumps(MUG), content_type), 415, "unsupported_media_type")


def test_the_charset_of_json_may_be_named(owner_api):
    assert sent(owner_api, json.dumps(MUG), "application/json; charset=UTF-8").status_code == 201


def test_a_body_beyond_the_limit_is_413(owner_api):
    problem(sent(owner_api, json.dumps(MUG | {"description": "x" * 1_100_000})), 413, "body_too_large")


# Names of fields


def test_unknown_fields_are_refused_by_name(owner_api):
    assert errors(owner_api.post("products/", MUG | {"colour": "red", "a/b~c": 1})) == {
        "/colour": "unknown_field",
        "/a~1b~0c": "unknown_field",
    }


@pytest.mark.parametrize(
    "field", ["id", "on_hand", "reserved", "available", "currency", "created_at", "updated_at"]
)
def test_fields_that_only_go_out_are_refused_by_name(owner_api, field):
    assert errors(owner_api.post("products/", MUG | {field: None})) == {f"/{field}": "read_only"}


# Text

STRANGE = {
    "bidi override": "a\u202eb",
    "bidi isolate": "a\u2066b",
    "control": "a\x07b",
    "escape": "a\x1bb",
    "delete": "a\x7fb",
    "line break in a line": "a\nb",
}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE.keys())
def test_strange_characters_are_refused_in_bodies(owner_api, text):
    assert errors(owner_api.post("products/", MUG | {"name": text})) == {"/name": "strange_character"}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE.keys())
def test_strange_characters_are_refused_in_queries(owner_api, text):
    assert errors(owner_api.get("products/", search=text)) == {"/search": "strange_character"}
    assert errors(owner_api.get("products/", sku=text)) == {"/sku": "invalid"}


@pytest.mark.parametrize("place", ["name", "description", "sku"])
@pytest.mark.parametrize(("escape", "code"), [(r"\u0000", "null_character"), (r"\ud800", "invalid_unicode")])
def test_nul_and_half_characters_are_refused(owner_api, place, escape, code):
    body = json.dumps(MUG | {place: "ESCAPE"}).replace("ESCAPE", f"a{escape}b")
    assert errors(sent(owner_api, body)) == {"": code}


def test_nul_and_half_characters_are_refused_in_names_of_fields(owner_api):
    assert errors(sent(owner_api, r'{"a\u0000": 1}')) == {"": "null_character"}
    assert errors(sent(owner_api, r'{"\udfff": 1}')) == {"": "invalid_unicode"}


def test_nul_is_refused_in_queries(owner_api):
    assert errors(owner_api.get("products/", search="\0")) == {"/search": "strange_character"}
    assert errors(owner_api.get("customers/", email="\0")) == {"/email": "null_characters_not_allowed"}


def test_text_that_is_too_long_is_refused(owner_api):
    assert errors(owner_api.post("products/", MUG | {"name": "x" * 201})) == {"/name": "max_length"}
    assert errors(owner_api.post("products/", MUG | {"description": "x" * 10_001})) == {
        "/description": "max_length"
    }
    assert errors(owner_api.get("products/", search="x" * 201)) == {"/search": "max_length"}


def test_what_people_write_is_taken(owner_api):
    name = "Crème brûlée, 茶, שלום, 👩‍🍳"
    assert (
        owner_api.post("products/", MUG | {"name": name, "description": "Two\nlines\tand a tab"}).json()[
            "name"
        ]
        == name
    )


@pytest.mark.parametrize("value", [1, 1.5, True, [], {}], ids=repr)
def test_other_types_are_no_text(owner_api, value):
    assert errors(owner_api.post("products/", MUG | {"name": value})) == {"/name": "invalid"}


def test_null_is_no_text(owner_api):
    assert errors(owner_api.post("products/", MUG | {"name": None})) == {"/name": "null"}


# Numbers


@pytest.mark.parametrize(
    ("price", "code"),
    [
        ("-0.01", "min_value"),
        ("0.001", "max_decimal_places"),
        ("12345678901.00", "max_digits"),
        ("9" * 30, "invalid"),
        ("1e3", "invalid"),
        ("1E3", "invalid"),
        ("+1", "invalid"),
        (" 1", "invalid"),
        ("1_000", "invalid"),
        ("1,50", "invalid"),
        (".5", "invalid"),
        ("5.", "invalid"),
        ("", "invalid"),
        ("NaN", "invalid"),
        ("Infinity", "invalid"),
        ("١٢", "invalid"),
        ("１２", "invalid"),
        ("0x10", "invalid"),
        (9.5, "invalid"),
        (9, "invalid"),
        (True, "invalid"),
        ([], "invalid"),
    ],
)
def test_amounts_are_decimal_strings_to_the_cent(owner_api, price, code):
    assert errors(owner_api.post("products/", MUG | {"price": price})) == {"/price": code}


@pytest.mark.parametrize(("price", "kept"), [("0", "0.00"), ("9.5", "9.50"), ("007", "7.00"), ("-0", "0.00")])
def test_amounts_are_kept_to_the_cent(owner_api, price, kept):
    answer = owner_api.post("products/", MUG | {"price": price})
    assert answer.json()["price"] == kept


@pytest.mark.parametrize(
    ("quantity", "code"),
    [
        (0, "min_value"),
        (-1, "min_value"),
        (1_000_001, "max_value"),
        (10**90, "max_value"),
        (1.0, "invalid"),
        (1.5, "invalid"),
        ("1", "invalid"),
        ("٣", "invalid"),
        (True, "invalid"),
        (None, "null"),
    ],
)
def test_quantities_are_whole_numbers_from_one(owner_api, quantity, code):
    product = owner_api.post("products/", MUG).json()["id"]
    answer = owner_api.post(f"products/{product}/receive/", {"quantity": quantity})
    assert errors(answer) == {"/quantity": code}


@pytest.mark.parametrize("number", ["9" * 101, "1e400", "-1e400", "1." + "0" * 200])
def test_numbers_beyond_all_measure_are_refused(owner_api, number):
    assert errors(sent(owner_api, f'{{"low_stock_at": {number}}}')) == {"": "number_too_long"}


# References, words, truth, times


@pytest.mark.parametrize(
    "value", [1, "42", "x" * 36, "0190b3c48d2e7c419a532f1e6b7d8c90", "{}", [], {}, True], ids=repr
)
def test_references_are_uuids(owner_api, value):
    assert errors(owner_api.post("products/", MUG | {"category": value})) == {"/category": "invalid"}


@pytest.mark.parametrize("value", ["GOODS", "", "other", 1, True, [], None], ids=repr)
def test_words_are_those_of_the_list(owner_api, value):
    code = {"": "invalid_choice", None: "null"}.get(
        value if isinstance(value, str | None) else "", "invalid_choice"
    )
    assert errors(owner_api.post("products/", MUG | {"kind": value})) == {"/kind": code}


@pytest.mark.parametrize("value", ["true", 1, 0, "yes", [], {}], ids=repr)
def test_truth_is_true_or_false(owner_api, value):
    assert errors(owner_api.post("orders/", {"place": value})) == {"/place": "invalid"}


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-31",
        "2026-01-31T09:30:00",
        "2026-02-30T09:30:00Z",
        "2026-01-31 09:30",
        "0001-01-01T00:00:00+14:00",
        "now",
        "1769848200",
    ],
)
def test_times_have_an_offset(owner_api, value):
    assert errors(owner_api.get("products/", updated_since=value)) == {"/updated_since": "invalid"}
    body = {"name": "T", "scopes": ["orders:read"], "expires_at": value}
    assert errors(owner_api.post("api-tokens/", body)) == {"/expires_at": "invalid"}


# Lists


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"page": "-1"}, "unknown_parameter"),
        ({"colour": "red"}, "unknown_parameter"),
        ({"price": "1"}, "unknown_parameter"),
        ({"status__in": "draft"}, "unknown_parameter"),
        ({"status": "open"}, "invalid_choice"),
        ({"category": "1"}, "invalid"),
        ({"price_min": "1e3"}, "invalid"),
        ({"price_min": "NaN"}, "invalid"),
        ({"low": "1"}, "invalid"),
        ({"ordering": "description"}, "invalid_ordering"),
        ({"ordering": "-"}, "invalid_ordering"),
        ({"ordering": "name,name"}, "invalid_ordering"),
        ({"ordering": "category__name"}, "invalid_ordering"),
        ({"ordering": "?"}, "invalid_ordering"),
        ({"limit": "0"}, "invalid_limit"),
        ({"limit": "101"}, "invalid_limit"),
        ({"limit": "-1"}, "invalid_limit"),
        ({"limit": "x"}, "invalid_limit"),
        ({"limit": "٣"}, "invalid_limit"),
        ({"limit": "9" * 5000}, "invalid_limit"),
        ({"cursor": ""}, "invalid_cursor"),
        ({"cursor": "x"}, "invalid_cursor"),
        ({"status": ["draft", "active"]}, "repeated_parameter"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_parameters_that_would_be_ignored_or_guessed_are_refused(owner_api, query, code):
    answer = owner_api.get("products/", **query)
    assert errors(answer) == {f"/{next(iter(query))}": code}
    assert answer.json()["errors"][0]["in"] == "query"


def test_parameters_are_refused_where_none_are_taken(owner_api):
    product = owner_api.post("products/", MUG).json()["id"]
    assert errors(owner_api.get(f"products/{product}/", limit="1")) == {"/limit": "unknown_parameter"}
    assert errors(owner_api.get("me/", x="1")) == {"/x": "unknown_parameter"}
    assert errors(owner_api.send("post", "products/?dry_run=1", MUG)) == {"/dry_run": "unknown_parameter"}


def test_serializers_of_a_class_share_no_field_and_each_field_knows_its_own():
    one, other = NewOrderSerializer(), NewOrderSerializer()
    for name, field in one.fields.items():
        assert field.parent is one
        assert other.fields[name] is not field
    for serializer in (one, other):
        lines: Any = serializer.fields["lines"]
        assert lines.child.parent is lines
        assert lines.child.fields["quantity"].root is serializer
        assert serializer.fields["tags"].child.parent is serializer.fields["tags"]

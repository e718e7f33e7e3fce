"""Files as they come: encodings, delimiters, broken quotes, giant lines."""

import contextlib
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenant_apps.imports.columns import match_columns
from tenant_apps.imports.errors import EmptyFile, NotACsv
from tenant_apps.imports.reading import (
    MOST_CHARACTERS,
    EncodingProbe,
    open_text,
    read_head,
    read_records,
)
from tenant_apps.imports.rows import RowReader, RowRejected
from tenant_apps.imports.staging import read_row


def encoding_of(content: bytes, piece: int = 3) -> str:
    probe = EncodingProbe()
    for start in range(0, len(content), piece):
        probe.feed(content[start : start + piece])
    return probe.finish()


def records(text: str, width: int = 3) -> list[tuple[int, list[str], str | None]]:
    found = read_records(io.StringIO(text, newline=""), ",", width)
    return [(record.line, record.fields, record.fault and record.fault[0].value) for record in found]


@pytest.mark.parametrize(
    ("text", "written", "expected"),
    [
        ("plain", "ascii", "utf-8-sig"),
        ("café €", "utf-8", "utf-8-sig"),
        ("café €", "utf-8-sig", "utf-8-sig"),
        ("caf\xe9 \x80 £", "latin-1", "cp1252"),
        ("café €", "cp1252", "cp1252"),
        ("café €", "utf-16", "utf-16"),
    ],
)
def test_the_encoding_is_told_from_the_bytes(text: str, written: str, expected: str):
    assert encoding_of(text.encode(written)) == expected


def test_one_broken_byte_does_not_turn_a_utf8_file_into_gibberish():
    content = "é" * 50 + "\n"
    assert encoding_of(content.encode() + b"\xff\n") == "utf-8-sig"


def test_what_cannot_be_decoded_is_marked():
    text = open_text(io.BytesIO(b"a,b\n\xffx,y\n"), "utf-8-sig")
    assert [record.fields for record in read_records(text, ",", 2)] == [["\N{REPLACEMENT CHARACTER}x", "y"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_from_the_header(delimiter: str):
    head = read_head(delimiter.join(["sku", '"name, long; with | all"', "price"]).encode(), "utf-8-sig")
    assert (head.delimiter, len(head.columns)) == (delimiter, 3)


def test_columns_are_trimmed_and_the_mark_at_the_start_is_dropped():
    assert read_head("\ufeff sku , price \r\n1,2\r\n".encode(), "utf-8-sig").columns == ["sku", "price"]


def test_blank_lines_before_the_header_are_skipped():
    head = read_head(b"\n\nsku,price\n1,2\n", "utf-8-sig")
    assert (head.columns, head.sample) == (["sku", "price"], [["1", "2"]])


@pytest.mark.parametrize("content", [b"", b"\n\n", b"  \r\n ;;; \n"])
def test_a_file_without_text_is_empty(content: bytes):
    with pytest.raises(EmptyFile):
        read_head(content, "utf-8-sig")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"PK\x03\x04rest", "Excel"),
        (b"\xd0\xcf\x11\xe0rest", "Excel"),
        (b"\x1f\x8brest", "gzip"),
        (b"\xfd7zXZ\x00rest", "xz"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR", "binary"),
        (b'"never closed,a\nb,c\n', "header"),
    ],
)
def test_what_is_no_csv_is_refused_with_what_it_is(content: bytes, word: str):
    with pytest.raises(NotACsv, match=word):
        read_head(content, "utf-8-sig")


def test_records_know_the_line_they_start_on():
    text = 'a,b,c\n1,2,3\n\n4,"5\n5",6\n7,8,9\n'
    assert records(text) == [
        (2, ["1", "2", "3"], None),
        (4, ["4", "5\n5", "6"], None),
        (6, ["7", "8", "9"], None),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_are_understood(end: str):
    assert records(end.join(["a,b,c", "1,2,3", "4,5,6", ""])) == [
        (2, ["1", "2", "3"], None),
        (3, ["4", "5", "6"], None),
    ]


def test_an_unclosed_quote_costs_its_own_line_only():
    text = 'a,b,c\n1,"2,3\n4,5,6\n7,"8",9\n'
    assert records(text) == [
        (2, ["1", '"2', "3"], "malformed_quotes"),
        (3, ["4", "5", "6"], None),
        (4, ["7", "8", "9"], None),
    ]


def test_an_unclosed_quote_in_a_long_file_costs_its_own_line_only():
    rows = [f"{number},x,y" for number in range(5000)]
    rows[10] = '10,"x,y'
    found = records("\n".join(["a,b,c", *rows, ""]))
    assert [record for record in found if record[2]] == [(12, ["10", '"x', "y"], "malformed_quotes")]
    assert len(found) == 5000


def test_an_unclosed_quote_in_the_last_line_is_reported():
    assert records('a,b,c\n1,2,"3\n') == [(2, ["1", "2", '"3'], "malformed_quotes")]


def test_rows_of_another_width_are_reported_with_their_fields():
    assert records("a,b,c\n1,2\n1,2,3,4\n1,2,3\n") == [
        (2, ["1", "2"], "column_count"),
        (3, ["1", "2", "3", "4"], "column_count"),
        (4, ["1", "2", "3"], None),
    ]


def test_lines_swallowed_by_a_quote_of_the_wrong_width_are_read_again():
    assert [record[0] for record in records('a,b,c\n1,"2\n4,5,6\n7,8"\n1,2,3\n')] == [2, 3, 4, 5]


def test_a_giant_line_is_reported_and_not_kept_in_memory():
    giant = "x" * (MOST_CHARACTERS * 3)
    found = records(f"a,b,c\n1,2,{giant}\n4,5,6\n")
    assert [(record[0], record[2]) for record in found] == [(2, "line_too_long"), (3, None)]
    assert sum(map(len, found[0][1])) <= MOST_CHARACTERS


def test_a_giant_line_inside_an_open_quote_is_reported_as_itself():
    giant = "x" * (MOST_CHARACTERS * 2)
    found = records(f'a,b,c\n1,"2,3\n{giant}\n4,5,6\n')
    assert [(record[0], record[2]) for record in found] == [
        (2, "malformed_quotes"),
        (3, "line_too_long"),
        (4, None),
    ]


def test_a_line_just_within_the_limit_is_read():
    value = "x" * (MOST_CHARACTERS - 10)
    assert records(f"a,b,c\n1,2,{value}\n")[0][2] is None


PIECES = st.sampled_from(
    [
        b'"',
        b",",
        b";",
        b"\n",
        b"\r",
        b"\x00",
        b"\xff",
        b"\xc3\xa9",
        b"a",
        b"1",
        b"-1",
        b"2.50",
        b"2010-12-01",
        b"C1",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=120).map(b"".join))
def test_whatever_the_bytes_each_line_is_accounted_for(body: bytes):
    content = b"invoice,sku,quantity,date,price\n" + body
    encoding = encoding_of(content, piece=64)
    reader = RowReader(
        mapping=match_columns(["invoice", "sku", "quantity", "date", "price"]),
        columns=["invoice", "sku", "quantity", "date", "price"],
        zone=UTC,
        now=datetime(2026, 1, 1, tzinfo=UTC),
    )
    lines = 1
    for record in read_records(open_text(io.BytesIO(content), encoding), ",", 5):
        assert record.line > lines
        lines = record.line
        with contextlib.suppress(RowRejected):
            read_row(record, reader)

"""The rejected rows as a file: complete, mendable, and harmless to a spreadsheet."""

import csv
import io

import pytest
from django.db import transaction

from tenant_apps.imports import reports
from tenant_apps.imports.models import Import
from tenant_apps.imports.reports import rejected_csv
from tenants.sheets import harmless
from tests.imports.conftest import imported
from tests.imports.files import DIRT, HEADER, a_csv, a_row, every_reason


def report(job: Import) -> list[list[str]]:
    with transaction.atomic():
        body = b"".join(rejected_csv(job))
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


@pytest.mark.usefixtures("in_acme")
def test_the_report_gives_line_reason_detail_and_the_rows_own_columns(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reports, "ROWS_AT_ONCE", 3)
    rows = report(imported(every_reason()))
    assert rows[0] == ["line", "reason", "detail", *HEADER]
    assert [row[1] for row in rows[1:]] == [*DIRT, "column_count", "malformed_quotes"]
    assert rows[1][:2] == ["3", "forbidden_character"]
    assert rows[10][6] == "-10"


@pytest.mark.usefixtures("in_acme")
def test_formulas_are_disarmed():
    job = imported(a_csv(a_row(Description='=HYPERLINK("//evil","x")', Quantity="0", Country="@SUM(A1)")))
    [_, row] = report(job)
    assert (row[5], row[10]) == ('\'=HYPERLINK("//evil","x")', "'@SUM(A1)")


@pytest.mark.usefixtures("in_acme")
def test_without_rejected_rows_the_report_is_its_header():
    assert report(imported(a_csv(a_row()))) == [["line", "reason", "detail", *HEADER]]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd", "'+cmd"),
        ("-2+3", "'-2+3"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("-10", "-10"),
        ("+1.5", "+1.5"),
        ("-1,5", "-1,5"),
        ("plain", "plain"),
        ("", ""),
        (7, 7),
    ],
)
def test_only_what_could_be_a_formula_is_escaped(value: object, written: object):
    assert harmless(value) == written

"""What a batch costs: the shop's tables are read by their indexes, however large they are."""

from typing import Any

import pytest
from django.db import connection

from tenant_apps.imports import applying, running
from tests.imports.conftest import imported, upload
from tests.imports.files import generated

pytestmark = pytest.mark.usefixtures("in_acme")


class Plans:
    """Notes how PostgreSQL plans each statement that is run, just before it is run."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, execute: Any, statement: str, parameters: Any, many: bool, context: Any) -> Any:
        if statement.lstrip().startswith("WITH"):
            with connection.connection.cursor() as cursor:
                plan = cursor.execute(f"EXPLAIN {statement}", parameters).fetchall()
            self.lines += [line for (line,) in plan]
        return execute(statement, parameters, many, context)

    def whole_tables(self) -> set[str]:
        """The tables that are read from end to end."""
        return {line.partition("Seq Scan on ")[2].split()[0] for line in self.lines if "Seq Scan on " in line}


def plans_of_a_second_import() -> Plans:
    """The plans of a batch when the shop has just been filled and nothing is known of its tables."""
    text, _ = generated(invoices=1500)
    imported(text)
    run, plans = running.claim(upload(text).pk), Plans()
    assert run is not None
    with connection.execute_wrapper(plans):
        running._work(run)
    return plans


def test_a_batch_reads_orders_and_lines_by_their_indexes():
    plans = plans_of_a_second_import()
    assert plans.lines
    assert not {table for table in plans.whole_tables() if table.startswith("orders_")}


def test_without_that_rule_it_would_read_all_of_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(applying, "_plan_by_indexes", lambda: None)
    assert "orders_orderline" in plans_of_a_second_import().whole_tables()

"""Rows that travel together are written in the order given, all or none."""

from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction

from tenants.audit.actors import Actor
from tenants.audit.models import AuditEntry
from tenants.audit.services import audit_entry
from tenants.messages import send_together


def entries(*verbs: str) -> list[AuditEntry]:
    return [audit_entry(actor=Actor.system("a test"), verb=verb, data={"100 %": "it's"}) for verb in verbs]


def written() -> list[str]:
    found = AuditEntry.objects.using("control").filter(actor_label="a test", data={"100 %": "it's"})
    return sorted(found.values_list("verb", flat=True))


def test_rows_and_statements_travel_in_one_message() -> None:
    one, other = entries("one", "other")
    sent: list[str] = []

    def listen(execute: Any, statement: str, *call: Any) -> Any:
        sent.append(statement)
        return execute(statement, *call)

    with transaction.atomic(using="control"):
        with connections["control"].execute_wrapper(listen):
            answers = send_together(
                "control", "SELECT 1", one, "SET LOCAL lock_timeout = '1s'", other, "SELECT 2"
            )
    assert len(sent) == 1
    assert answers == [(1,), (2,)]
    assert written() == ["one", "other"]
    assert (one._state.adding, one._state.db) == (False, "control")


def test_one_row_that_is_refused_takes_the_others_with_it() -> None:
    one, other = entries("one", "other")
    other.id = one.id
    with pytest.raises(IntegrityError), transaction.atomic(using="control"):
        send_together("control", one, other)
    assert written() == []


def test_without_a_transaction_nothing_is_sent() -> None:
    with pytest.raises(AssertionError, match="in a transaction"):
        send_together("control", *entries("one"))
    assert written() == []

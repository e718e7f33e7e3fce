"""The operators' pages about the fleet: overview, ledger of schemas, runs."""

import re
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tenants.context import Tenant
from tests.clients.conftest import operator
from tests.stage import administrator

__all__ = ["operator"]
PAGES = ["/admin/fleet/pool/", "/admin/fleet/schema/", "/admin/fleet/run/"]
# Rows alone: the pages ask the ledger, and never a schema.
MANY = """
    INSERT INTO fleet_schema (name, tenant_id, state, applied, fingerprint, halfway, steps, failure, reserved_at,
                              ready_at, failed_at)
    SELECT 't_many' || n, gen_random_uuid(), 'ready', CASE WHEN mod(n, 3) = 0 THEN 'older' ELSE b.applied END,
           b.fingerprint, '', 0,
           CASE WHEN mod(n, 40) = 1 THEN 'orders.0002_more: LockNotAvailable: <b>busy</b>' ELSE '' END,
           now(), now(), now()
      FROM generate_series(1, %s) n, fleet_baseline b"""
RUN = """
    INSERT INTO fleet_run (id, started_at, finished_at, outcome, target, options, schemas, migrated, failed, note)
    VALUES (gen_random_uuid(), now(), now(), 'stopped', '', '{"workers": 4}', 200, 195, 5,
            'Stopped: 5 schemas could not be migrated.')"""


def plant(statement: str, *values: Any) -> None:
    with administrator() as admin:
        admin.execute(statement, values or None)


def page_of(client: Client, path: str, **query: Any) -> str:
    answer = client.get(path, query)
    assert answer.status_code == 200, (path, answer.status_code)
    # One blank between words, whatever the template breaks.
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_overview_shows_pool_generations_failures_and_the_last_run(operator: Client) -> None:
    plant(MANY, 81)
    plant(RUN)
    # The admin reads an underscore and two digits in an address as one character.
    plant(
        "UPDATE fleet_schema SET name = 't_23many', failed_at = now() + interval '1 minute' WHERE name = 't_many1'"
    )
    plant(
        "UPDATE fleet_pool SET failures = 3, failed_at = now(), failure = 'disk full', missed = 7, missed_at = now()"
    )
    page = page_of(operator, "/admin/fleet/pool/")
    assert "Filling has failed 3 times in a row" in page
    assert "disk full" in page
    assert "27 behind" in page
    assert "3 failed" in page
    assert "&lt;b&gt;busy&lt;/b&gt;" in page
    assert (
        operator.get(re.findall(r'href="(/admin/fleet/schema/[^"?]+/change/)"', page)[0]).status_code == 200
    )
    assert "Stopped: 5 schemas could not be migrated." in page
    assert re.search(r"found it empty</dt> <dd[^>]*> 7, last", page)


def test_an_empty_pool_is_said_aloud(operator: Client, settings: Any) -> None:
    settings.POOL_SIZE = 4
    plant("UPDATE fleet_schema SET state = 'reserved', applied = '' WHERE state = 'ready'")
    page = page_of(operator, "/admin/fleet/pool/")
    assert "The pool is empty" in page
    assert "0 of 4" in page


def test_the_ledger_names_the_owner_and_leads_to_it(operator: Client, acme: Tenant) -> None:
    page = page_of(operator, "/admin/fleet/schema/")
    assert acme.schema in page
    assert f'href="/admin/clients/client/{acme.id}/change/"' in page
    assert acme.name in page_of(operator, f"/admin/fleet/schema/{quote(acme.schema)}/change/")


def test_schemas_are_found_by_their_own_name_and_by_the_tenant_s(
    operator: Client, acme: Tenant, globex: Tenant
) -> None:
    for asked in (acme.schema, acme.name.lower()):
        page = page_of(operator, "/admin/fleet/schema/", q=asked)
        assert acme.schema in page
        assert globex.schema not in page


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ({"state__exact": "owned"}, "ACME", "t_many1"),
        ({"generation": "behind"}, "t_many3", "ACME"),
        ({"generation": "newest"}, "ACME", "t_many3<"),
        ({"failure": "yes"}, "t_many1", "ACME"),
        ({"failure": "no"}, "ACME", "t_many1<"),
    ],
)
def test_the_ledger_is_filtered(
    operator: Client, acme: Tenant, query: dict[str, str], shown: str, hidden: str
) -> None:
    plant(MANY, 3)
    page = page_of(operator, "/admin/fleet/schema/", **query)
    assert shown.replace("ACME", acme.schema) in page
    assert hidden.replace("ACME", acme.schema) not in page


def test_a_schema_that_is_behind_says_so(operator: Client) -> None:
    plant(MANY, 3)
    assert "older · behind" in page_of(operator, "/admin/fleet/schema/", q="t_many3")
    assert (
        "behind"
        not in page_of(operator, f"/admin/fleet/schema/{quote('t_many1')}/change/").partition("<main")[2]
    )


def test_a_run_is_shown_with_its_counts_and_options(operator: Client) -> None:
    plant(RUN)
    page = page_of(operator, "/admin/fleet/run/")
    assert "Stopped by failures" in page
    ((key,),) = select("SELECT id FROM fleet_run ORDER BY started_at DESC LIMIT 1")
    detail = page_of(operator, f"/admin/fleet/run/{key}/change/")
    assert "workers" in detail
    assert "195" in detail


def select(query: str) -> list[Any]:
    with administrator() as admin:
        return admin.execute(query).fetchall()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_as_often_for_two_hundred_schemas_as_for_two(operator: Client, path: str) -> None:
    def count() -> int:
        with CaptureQueriesContext(connections["control"]) as asked:
            page_of(operator, path)
        return len(asked)

    plant(MANY, 2)
    plant(RUN)
    count()  # what is asked once and remembered
    few = count()
    plant("DELETE FROM fleet_schema WHERE name LIKE 't\\_many%'")
    plant(MANY, 200)
    assert count() == few <= 16


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_written_from_these_pages(operator: Client, acme: Tenant, path: str) -> None:
    for verb in ("add/", f"{acme.schema}/delete/"):
        assert operator.get(path + verb).status_code in (302, 403, 404)
        assert operator.post(path + verb).status_code in (302, 403, 404)
    assert 'name="action"' not in page_of(operator, path)


def test_strangers_are_asked_to_sign_in() -> None:
    for path in PAGES:
        assert Client(headers={"host": "localhost"}).get(path)["Location"].startswith("/admin/login/")

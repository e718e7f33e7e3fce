"""The portal's session at the API: with its CSRF token, and only without another credential."""

from django.test import Client

from tenants.context import unit_of_work
from tests.api.calls import BASE, problem


def browser(tenant, client_of, user) -> Client:
    client: Client = client_of(tenant, user)
    client.handler.enforce_csrf_checks = True
    return client


def csrf_of(client: Client) -> str:
    page = client.get("/api/docs/").content.decode()
    return page.partition('data-csrf="')[2].partition('"')[0]


def test_a_session_reads(acme, owner, client_of):
    assert client_of(acme, owner).get(BASE + "me/").json()["email"] == owner.email


def test_a_session_writes_with_its_csrf_token_only(acme, owner, client_of):
    client = browser(acme, client_of, owner)
    body = {"name": "Tea"}
    answer = client.post(BASE + "categories/", body, content_type="application/json")
    problem(answer, 403, "csrf_failed")
    headers = {"X-CSRFToken": csrf_of(client)}
    answer = client.post(BASE + "categories/", body, content_type="application/json", headers=headers)
    assert answer.status_code == 201, answer.content


def test_a_session_does_not_help_a_bad_token(acme, owner, client_of):
    answer = client_of(acme, owner).get(BASE + "me/", headers={"authorization": "Bearer x"})
    problem(answer, 401, "authentication_required")


def test_a_session_of_one_tenant_is_nothing_at_another(acme, globex, owner, client_of):
    client = client_of(acme, owner)
    answer = client.get(BASE + "me/", headers={"host": globex.host})
    problem(answer, 401, "authentication_required")


def test_the_session_of_somebody_deactivated_is_over(acme, owner, client_of):
    client = client_of(acme, owner)
    with unit_of_work(acme):
        type(owner).objects.filter(pk=owner.pk).update(is_active=False)
    problem(client.get(BASE + "me/"), 401, "authentication_required")

"""/api/v1/people/: invited, given roles, sent away; and an owner always stays."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from django.core import mail
from django.db import connections
from django.test import Client

from tenants.audit.models import AuditEntry
from tenants.context import Tenant, tenant_context, unit_of_work
from tenants.users.models import SignIn, User
from tenants.users.tasks import mail_invitation
from tests.api.calls import Api, errors, problem
from tests.cast import PASSWORD, Person

ADA = {"email": "ada@acme.example", "role": "member"}
Someone = Callable[[str], Person]


def invited(caller: Api, **changes: Any) -> dict[str, Any]:
    answer = caller.post("people/", ADA | changes)
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def link_for(tenant: Tenant, person: dict[str, Any]) -> str:
    """Where the invitation that is mailed now leads."""
    with tenant_context(tenant):
        mail_invitation.run(person["id"])
    found = re.search(r"https?://[^/]+(/invitation/\S+)", str(mail.outbox[-1].body))
    assert found
    assert mail.outbox[-1].to == [person["email"]]
    return found[1]


def accept(browser: Client, link: str) -> int:
    body = {"name": "Ada", "password": "a good horse battery"}
    return int(browser.post(link, body).status_code)


def test_an_invited_person_chooses_a_password_and_is_in(
    owner_api: Api, acme: Tenant, client_of: Callable[..., Client], nobody: Api
) -> None:
    ada = invited(owner_api)
    assert (ada["role"], ada["email_verified_at"]) == ("member", None)
    assert ada["invited_at"]
    link, browser = link_for(acme, ada), client_of(acme)
    assert "Welcome to Acme" in browser.get(link).content.decode()
    assert browser.post(link, {"name": "Ada", "password": "short"}).status_code == 422
    assert accept(browser, link) == 302
    assert browser.get("/").status_code == 200
    shown = owner_api.get(f"people/{ada['id']}/").json()
    assert (shown["name"], shown["invited_at"]) == ("Ada", None)
    assert shown["email_verified_at"]
    assert accept(client_of(acme), link) == 410, "an invitation is good once"
    problem(owner_api.post(f"people/{ada['id']}/resend/"), 409, "conflict")
    problem(owner_api.delete(f"people/{ada['id']}/"), 409, "conflict")
    body = {"email": ADA["email"], "password": "a good horse battery"}
    assert nobody.post("auth/token/", body).status_code == 200


def test_links_end_when_a_new_one_is_sent_or_the_invitation_is_taken_back_or_a_week_has_passed(
    owner_api: Api, acme: Tenant, globex: Tenant, client_of: Callable[..., Client], monkeypatch: Any
) -> None:
    ada = invited(owner_api)
    first = link_for(acme, ada)
    assert client_of(globex).get(first).status_code == 410
    assert owner_api.post(f"people/{ada['id']}/resend/").status_code == 200
    second = link_for(acme, ada)
    assert [client_of(acme).get(link).status_code for link in (first, second)] == [410, 200]
    with monkeypatch.context() as patch:
        patch.setattr("tenants.users.team.GOOD_FOR", timedelta(seconds=-1))
        assert client_of(acme).get(second).status_code == 410
    assert owner_api.delete(f"people/{ada['id']}/").status_code == 204
    assert client_of(acme).get(second).status_code == 410
    with tenant_context(acme):
        mail_invitation.run(ada["id"])
    assert len(mail.outbox) == 2
    assert invited(owner_api)["id"] != ada["id"], "the address is free again"


def test_what_makes_no_invitation_is_refused(owner_api: Api, api: Callable[[str], Api]) -> None:
    assert errors(owner_api.post("people/", {"email": "x", "role": "operator"})) == {
        "/email": "invalid",
        "/role": "invalid_choice",
    }
    problem(owner_api.post("people/", ADA | {"email": "OWNER@acme.example"}), 409, "email_taken")
    problem(api("admin").post("people/", ADA | {"role": "owner"}), 403, "owners_only")
    problem(api("member").post("people/", ADA), 403, "forbidden")
    assert api("viewer").get("people/", search="owner").json()["data"][0]["email"] == "owner@acme.example"


def test_a_role_counts_from_the_next_request_and_owners_are_the_owners_business(
    api: Callable[[str], Api], person: Someone, acme: Tenant
) -> None:
    admin, member, owner = api("admin"), person("member").user, person("owner").user
    caller = api("member")
    assert caller.post("categories/", {"name": "Tea"}).status_code == 201
    assert admin.patch(f"people/{member.pk}/", {"role": "viewer"}).json()["role"] == "viewer"
    problem(caller.post("categories/", {"name": "Coffee"}), 403, "forbidden")
    for role in ("owner", "viewer"):
        target = member if role == "owner" else owner
        problem(admin.patch(f"people/{target.pk}/", {"role": role}), 403, "owners_only")
    problem(admin.post(f"people/{owner.pk}/deactivate/"), 403, "owners_only")
    with unit_of_work(acme):
        entry = AuditEntry.objects.get(verb="user.role_changed")
    assert entry.data == {"from": "member", "to": "viewer"}


def test_a_closed_account_ends_with_all_its_credentials_and_can_be_opened_again(
    owner_api: Api, api: Callable[[str], Api], acme: Tenant, person: Someone, nobody: Api
) -> None:
    member, by_password = person("member").user, {"email": "member@acme.example", "password": PASSWORD}
    pair = nobody.post("auth/token/", by_password).json()
    mine = {"name": "Mine", "kind": "personal", "scopes": ["products:read"]}
    secret = api("member").post("api-tokens/", mine).json()["token"]
    assert owner_api.post(f"people/{member.pk}/deactivate/").json()["is_active"] is False
    for credential in (pair["access"], secret):
        problem(Api(acme, credential).get("products/"), 401, "authentication_required")
    problem(nobody.post("auth/refresh/", {"refresh": pair["refresh"]}), 401, "refresh_refused")
    problem(nobody.post("auth/token/", by_password), 401, "sign_in_refused")
    with unit_of_work(acme):
        assert SignIn.objects.get(user=member).ended_because == "status"
    assert owner_api.post(f"people/{member.pk}/reactivate/").json()["is_active"] is True
    assert nobody.post("auth/token/", by_password).status_code == 200
    problem(nobody.post("auth/refresh/", {"refresh": pair["refresh"]}), 401, "refresh_refused")


def test_the_last_owner_stays(owner_api: Api, owner: User) -> None:
    problem(owner_api.patch(f"people/{owner.pk}/", {"role": "admin"}), 409, "last_owner")
    problem(owner_api.post(f"people/{owner.pk}/deactivate/"), 409, "last_owner")
    invited(owner_api, role="owner")
    problem(owner_api.patch(f"people/{owner.pk}/", {"role": "admin"}), 409, "last_owner")


def test_of_two_owners_who_leave_at_once_one_stays(
    owner_api: Api, api: Callable[[str], Api], acme: Tenant, person: Someone
) -> None:
    owner, other = person("owner").user, person("admin").user
    assert owner_api.patch(f"people/{other.pk}/", {"role": "owner"}).status_code == 200
    callers = ((owner_api, owner), (api("admin"), other))

    def leave(caller: tuple[Api, User]) -> int:
        try:
            return int(caller[0].patch(f"people/{caller[1].pk}/", {"role": "viewer"}).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(leave, callers)) == [200, 409]


def test_ownership_is_handed_over_whole_or_not_at_all(owner_api: Api, acme: Tenant, person: Someone) -> None:
    owner, heir = person("owner").user, person("viewer").user
    problem(owner_api.post(f"people/{owner.pk}/transfer/"), 409, "conflict")
    assert owner_api.post(f"people/{heir.pk}/transfer/").json()["role"] == "owner"
    assert (person("viewer").user.role, person("owner").user.role) == ("owner", "admin")
    problem(owner_api.post(f"people/{heir.pk}/transfer/"), 403, "owners_only")

"""/api/v1/api-tokens/ and what such a token opens"""

from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.audit.models import AuditEntry
from tenants.context import unit_of_work
from tenants.users.api_tokens import digest
from tenants.users.models import ApiToken, User
from tests.api.calls import Api, errors, problem

SHOP = {"name": "Shop", "scopes": ["products:read", "orders:write"]}


@pytest.fixture
def shop(owner_api):
    answer = owner_api.post("api-tokens/", SHOP)
    assert answer.status_code == 201, answer.content
    return answer.json()


def refused(tenant, secret):
    body = problem(Api(tenant, secret).get("products/"), 401, "authentication_required")
    assert body["detail"] == Api(tenant).get("products/").json()["detail"]


def test_the_secret_is_shown_once_and_kept_as_a_digest(owner_api, shop, acme):
    assert shop["token"].startswith(shop["prefix"])
    assert len(shop["token"]) == 4 + 43 + 6
    shown = owner_api.get(f"api-tokens/{shop['id']}/").json()
    assert "token" not in shown
    assert "token" not in owner_api.get("api-tokens/").json()["data"][0]
    with unit_of_work(acme):
        row = ApiToken.objects.get()
        assert shop["token"] not in str(vars(row))
        assert row.digest == digest(shop["token"])


def test_a_token_opens_what_its_scopes_name(shop, acme):
    program = Api(acme, shop["token"])
    assert program.get("products/").status_code == 200
    assert program.post("orders/", {}).status_code == 201
    body = problem(program.post("categories/", {"name": "Tea"}), 403, "forbidden")
    assert "products:write" in body["detail"]
    problem(program.get("orders/"), 403, "forbidden")
    problem(program.get("api-tokens/"), 403, "forbidden")


def test_a_token_knows_itself(owner_api, acme):
    secret = owner_api.post("api-tokens/", {"name": "Who", "scopes": ["account:read"]}).json()["token"]
    me = Api(acme, secret).get("me/").json()
    assert (me["kind"], me["name"], me["email"], me["role"]) == ("token", "Who", None, None)
    assert me["verbs"] == ["account:read"]
    assert me["workspace"]["id"] == str(acme.id)


def test_what_a_token_does_is_audited_as_its_own(shop, acme):
    Api(acme, shop["token"]).post("orders/", {})
    with unit_of_work(acme):
        entry = AuditEntry.objects.get(verb="order.created")
    assert (entry.actor_kind, str(entry.actor_id), entry.actor_label) == (
        "token",
        shop["id"],
        "API token Shop",
    )


def test_its_use_is_noted_once_a_minute(shop, owner_api, acme):
    program = Api(acme, shop["token"])
    program.get("products/")
    first = owner_api.get(f"api-tokens/{shop['id']}/").json()["last_used_at"]
    program.get("products/")
    assert owner_api.get(f"api-tokens/{shop['id']}/").json()["last_used_at"] == first
    with unit_of_work(acme):
        ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    program.get("products/")
    assert owner_api.get(f"api-tokens/{shop['id']}/").json()["last_used_at"] > first


def test_a_revoked_token_opens_nothing_at_once(shop, owner_api, acme):
    revoked = owner_api.post(f"api-tokens/{shop['id']}/revoke/").json()
    assert revoked["revoked_at"]
    refused(acme, shop["token"])
    assert owner_api.post(f"api-tokens/{shop['id']}/revoke/").json() == revoked


def test_an_expired_token_opens_nothing(owner_api, acme):
    soon = (timezone.now() + timedelta(hours=1)).isoformat()
    secret = owner_api.post("api-tokens/", SHOP | {"expires_at": soon}).json()["token"]
    assert Api(acme, secret).get("products/").status_code == 200
    with unit_of_work(acme):
        ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    refused(acme, secret)


def test_a_token_opens_nothing_at_the_neighbour_even_when_its_row_is_copied(shop, acme, globex, stranger):
    refused(globex, shop["token"])
    with unit_of_work(acme):
        row = ApiToken.objects.get()
    with unit_of_work(globex):
        row.created_by = stranger
        row.save(force_insert=True)
    refused(globex, shop["token"])


@pytest.mark.parametrize("place", [5, 30, -1])
def test_a_mistyped_token_is_turned_away_without_a_query(shop, acme, place, monkeypatch):
    letters = list(shop["token"])
    letters[place] = "a" if letters[place] != "a" else "b"
    monkeypatch.setattr(ApiToken.objects, "usable", lambda: pytest.fail("asked the database"))
    refused(acme, "".join(letters))


def test_tokens_outlive_a_rotation_of_the_secret_key(shop, acme, settings):
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another-secret-key-" * 4
    refused(acme, shop["token"])
    settings.SECRET_KEY_FALLBACKS = [old]
    assert Api(acme, shop["token"]).get("products/").status_code == 200


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"scopes": []}, {"/scopes": "min_length"}),
        ({"scopes": ["products:eat"]}, {"/scopes/0": "invalid_choice"}),
        ({"scopes": ["tokens:manage"]}, {"/scopes/0": "invalid_choice"}),
        ({"scopes": "products:read"}, {"/scopes": "not_a_list"}),
        ({"name": ""}, {"/name": "blank"}),
        ({"digest": "x"}, {"/digest": "unknown_field"}),
        ({"prefix": "x", "created_by": None}, {"/prefix": "read_only", "/created_by": "read_only"}),
    ],
)
def test_what_makes_no_token_is_refused(owner_api, change, found):
    assert errors(owner_api.post("api-tokens/", SHOP | change)) == found


def test_a_token_cannot_end_before_it_begins(owner_api):
    past = "2020-01-01T00:00:00Z"
    body = problem(owner_api.post("api-tokens/", SHOP | {"expires_at": past}), 422, "invalid")
    assert body["errors"][0]["pointer"] == "/expires_at"


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_service_accounts_are_seen_and_made_by_owners_and_admins_only(api, shop, role):
    caller = api(role)
    assert caller.get("api-tokens/").json()["data"] == []
    body = problem(caller.post("api-tokens/", SHOP), 403, "forbidden")
    assert "Send kind 'personal'" in body["detail"]
    for act in ("revoke", "rotate"):
        problem(caller.post(f"api-tokens/{shop['id']}/{act}/"), 404, "not_found")


# Service accounts and people's own


MINE = {"name": "Mine", "kind": "personal", "scopes": ["products:read", "products:write"]}


def person_of(tenant, token, **changes):
    """Change the person behind a personal token; returns who it is."""
    with unit_of_work(tenant):
        User.objects.filter(pk=token["person"]).update(**changes)


@pytest.fixture
def mine(api, acme):
    answer = api("member").post("api-tokens/", MINE)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_person_s_token_is_seen_by_them_and_by_those_who_manage_tokens(api, mine, person):
    assert (mine["kind"], mine["person"]) == ("personal", str(person("member").user.pk))
    assert [row["id"] for row in api("member").get("api-tokens/", personal="true").json()["data"]] == [
        mine["id"]
    ]
    assert api("owner").get("api-tokens/", personal="false").json()["data"] == []
    problem(api("viewer").get(f"api-tokens/{mine['id']}/"), 404, "not_found")
    problem(api("owner").post(f"api-tokens/{mine['id']}/rotate/"), 403, "forbidden")
    assert api("admin").post(f"api-tokens/{mine['id']}/revoke/").json()["revoked_at"]


def test_a_person_s_token_never_may_more_than_the_person(api, mine, acme):
    problem(api("viewer").post("api-tokens/", MINE), 403, "forbidden")
    program = Api(acme, mine["token"])
    assert program.post("categories/", {"name": "Tea"}).status_code == 201
    person_of(acme, mine, role="viewer")
    problem(program.post("categories/", {"name": "Coffee"}), 403, "forbidden")
    assert program.get("products/").status_code == 200


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "md5$x$another"}])
def test_a_person_s_token_ends_with_their_account_and_password_and_a_service_account_goes_on(
    owner_api, mine, acme, owner, change
):
    shop, own = (owner_api.post("api-tokens/", body).json() for body in (SHOP, MINE))
    for token in (mine, own):
        person_of(acme, token, **change)
        refused(acme, token["token"])
    assert Api(acme, shop["token"]).get("products/").status_code == 200


# Rotation


def test_after_a_rotation_both_secrets_work_for_a_day_and_then_the_new_one(owner_api, shop, acme, clock):
    fresh = owner_api.post(f"api-tokens/{shop['id']}/rotate/").json()
    assert (fresh["id"], fresh["scopes"]) == (shop["id"], shop["scopes"])
    assert fresh["token"].startswith(fresh["prefix"])
    assert "token" not in owner_api.get(f"api-tokens/{shop['id']}/").json()
    clock.forward(hours=23)
    assert Api(acme, shop["token"]).get("products/").status_code == 200
    clock.forward(hours=2)
    refused(acme, shop["token"])
    assert Api(acme, fresh["token"]).get("products/").status_code == 200


def test_the_old_secret_ends_when_it_is_told_to_and_never_after_the_token(owner_api, shop, acme, clock):
    soon = (timezone.now() + timedelta(minutes=5)).isoformat()
    second = owner_api.post(f"api-tokens/{shop['id']}/rotate/", {"old_works_until": soon}).json()
    third = owner_api.post(
        f"api-tokens/{shop['id']}/rotate/", {"old_works_until": "2020-01-01T00:00:00Z"}
    ).json()
    assert third["old_works_until"] is None
    for token in (shop, second):
        refused(acme, token["token"])
    owner_api.post(f"api-tokens/{shop['id']}/revoke/")
    refused(acme, third["token"])
    problem(owner_api.post(f"api-tokens/{shop['id']}/rotate/"), 409, "conflict")

    limited = owner_api.post("api-tokens/", SHOP | {"expires_at": soon}).json()
    rotated = owner_api.post(f"api-tokens/{limited['id']}/rotate/").json()
    assert rotated["old_works_until"] == limited["expires_at"]


def test_an_old_secret_does_not_work_for_ever(owner_api, shop):
    late = (timezone.now() + timedelta(days=31)).isoformat()
    body = problem(
        owner_api.post(f"api-tokens/{shop['id']}/rotate/", {"old_works_until": late}), 422, "invalid"
    )
    assert body["errors"][0]["pointer"] == "/old_works_until"


def test_the_list_tells_usable_tokens_from_the_others(owner_api, shop):
    other = owner_api.post("api-tokens/", SHOP | {"name": "Old"}).json()
    owner_api.post(f"api-tokens/{other['id']}/revoke/")
    names = lambda **query: [row["name"] for row in owner_api.get("api-tokens/", **query).json()["data"]]  # noqa: E731
    assert names() == ["Old", "Shop"]
    assert names(usable="true") == ["Shop"]
    assert names(usable="false") == ["Old"]
    assert names(search="old") == ["Old"]

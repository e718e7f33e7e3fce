"""Access and refresh tokens: what they say, and every way in which one is refused."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError

from tenants.context import Tenant, public_context, unit_of_work
from tenants.users import keys, tokens
from tenants.users.models import User
from tenants.users.tokens import AccessToken, RefreshToken
from tests.api.calls import Api, errors, problem
from tests.cast import PASSWORD

CREDENTIALS = {"email": "owner@acme.example", "password": PASSWORD}


@pytest.fixture
def pair(nobody: Api) -> dict[str, Any]:
    answer = nobody.post("auth/token/", CREDENTIALS)
    assert answer.status_code == 200, answer.content
    issued: dict[str, Any] = answer.json()
    return issued


def refused(tenant: Tenant, token: str) -> dict[str, Any]:
    """The one answer to every credential that is not valid here."""
    body = problem(Api(tenant, token).get("me/"), 401, "authentication_required")
    missing = Api(tenant).get("me/").json()
    assert body["detail"] == missing["detail"]
    return body


def write(claims: dict[str, Any], key: Any = None, algorithm: str = "EdDSA", **header: Any) -> str:
    """A token as a forger would write it, or as the platform would, with its own key."""
    own = keys.signing_key()
    return jwt.encode(
        claims, key or own.private, algorithm, headers={"typ": "at+jwt", "kid": own.kid, **header}
    )


def part(content: dict[str, Any]) -> str:
    """One part of a token, encoded."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


@pytest.fixture
def claims(pair: dict[str, Any]) -> dict[str, Any]:
    """The claims of a good access token."""
    return jwt.decode(pair["access"], options={"verify_signature": False})


# What is issued


def test_a_pair_is_had_for_email_and_password(pair, acme):
    assert (pair["token_type"], pair["expires_in"]) == ("Bearer", 600)
    assert Api(acme, pair["access"]).get("me/").json()["email"] == "owner@acme.example"


def test_the_email_may_be_written_in_any_case(nobody):
    assert nobody.post("auth/token/", CREDENTIALS | {"email": "OWNER@acme.example"}).status_code == 200


def test_an_access_token_says_what_rfc_9068_asks_for(pair, claims, acme, owner):
    header = jwt.get_unverified_header(pair["access"])
    assert (header["typ"], header["alg"], header["kid"]) == ("at+jwt", "EdDSA", keys.signing_key().kid)
    assert (claims["aud"], claims["sub"], claims["role"]) == (str(acme.id), str(owner.id), "owner")
    assert (claims["iss"], claims["client_id"]) == ("http://localhost", "first-party")
    assert claims["exp"] - claims["iat"] == 600
    assert len(claims["jti"]) == 32


def test_a_refresh_token_lives_for_two_weeks(pair):
    claims = jwt.decode(pair["refresh"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 14 * 24 * 3600
    assert jwt.get_unverified_header(pair["refresh"])["typ"] == "rt+jwt"


def test_a_refresh_token_gives_a_new_pair(nobody, acme, pair):
    fresh = nobody.post("auth/refresh/", {"refresh": pair["refresh"]}).json()
    assert fresh["access"] != pair["access"]
    assert Api(acme, fresh["access"]).get("me/").status_code == 200


# What is refused


def test_alg_none_is_refused(acme, claims):
    header = part({"alg": "none", "typ": "at+jwt", "kid": keys.signing_key().kid})
    refused(acme, f"{header}.{part(claims)}.")


def test_another_key_is_refused(acme, claims):
    refused(acme, write(claims, key=Ed25519PrivateKey.generate()))


def test_a_key_id_that_nobody_knows_is_refused(acme, claims):
    refused(acme, write(claims, kid="0000000000000000"))
    own = keys.signing_key().private
    refused(acme, jwt.encode(claims, own, "EdDSA", headers={"typ": "at+jwt"}))


def test_the_public_key_is_no_secret_to_sign_with(acme, claims):
    public = keys.signing_key().public.public_bytes_raw()
    refused(acme, write(claims, key=public, algorithm="HS256"))


def test_a_changed_claim_is_refused(acme, pair, claims):
    header, _, signature = pair["access"].split(".")
    refused(acme, f"{header}.{part(claims | {'role': 'x'})}.{signature}")


@pytest.mark.parametrize("typ", ["JWT", "rt+jwt", "", None])
def test_another_type_in_the_header_is_refused(acme, claims, typ):
    refused(acme, write(claims, typ=typ))


def test_a_refresh_token_opens_nothing_and_an_access_token_refreshes_nothing(acme, nobody, pair):
    refused(acme, pair["refresh"])
    problem(nobody.post("auth/refresh/", {"refresh": pair["access"]}), 401, "refresh_refused")


def test_another_tenants_tokens_are_refused(globex, pair):
    refused(globex, pair["access"])
    answer = Api(globex).post("auth/refresh/", {"refresh": pair["refresh"]})
    problem(answer, 401, "refresh_refused")


def test_the_tenant_is_checked_wherever_a_token_is_read(pair, globex):
    for kind, name in ((AccessToken, "access"), (RefreshToken, "refresh")):
        with unit_of_work(globex), pytest.raises(TokenError):
            kind(pair[name])
        with public_context(), pytest.raises(TokenError):
            kind(pair[name])


def test_no_token_is_read_without_its_signature(pair, acme):
    with unit_of_work(acme), pytest.raises(TokenError):
        AccessToken(pair["access"], verify=False)


@pytest.mark.parametrize(
    "claim", ["iss", "aud", "sub", "iat", "exp", "jti", "client_id", "role", "gen", "token_type"]
)
def test_a_token_that_lacks_a_claim_is_refused(acme, claims, claim):
    assert Api(acme, write(claims)).get("me/").status_code == 200
    del claims[claim]
    refused(acme, write(claims))


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "http://elsewhere"),
        ("aud", "*"),
        ("sub", "1"),
        ("sub", ""),
        ("gen", ""),
        ("token_type", "refresh"),
    ],
)
def test_a_token_that_says_something_else_is_refused(acme, claims, claim, value):
    refused(acme, write(claims | {claim: value}))


def test_an_audience_of_several_tenants_is_refused(acme, globex, claims):
    refused(acme, write(claims | {"aud": [str(acme.id), str(globex.id)]}))


def test_an_expired_token_is_refused(acme, claims):
    past = int((timezone.now() - timedelta(seconds=1)).timestamp())
    refused(acme, write(claims | {"exp": past}))


@pytest.mark.parametrize(
    "text", ["x", "a.b.c", "Bearer", "é", "rwh_", "rwh_" + "0" * 49, "x" * 5000, ".", ".."]
)
def test_what_is_no_token_is_refused(acme, text):
    refused(acme, text)


@pytest.mark.parametrize("header", ["", "Bearer", "Basic b3duZXI6cHc=", "Token x", "bearer", "Bearer  "])
def test_other_authorization_headers_are_refused(acme, header):
    api = Api(acme)
    problem(api.client.get("/api/v1/me/", headers={"authorization": header}), 401, "authentication_required")


# What ends them


def change(tenant: Tenant, act: Callable[[User], object]) -> None:
    with unit_of_work(tenant):
        user = User.objects.get(email="owner@acme.example")
        act(user)
        user.save()


def test_deactivation_ends_all_tokens_at_once(acme, nobody, pair):
    change(acme, lambda user: setattr(user, "is_active", False))
    refused(acme, pair["access"])
    problem(nobody.post("auth/refresh/", {"refresh": pair["refresh"]}), 401, "refresh_refused")


def test_a_new_password_ends_all_tokens_at_once(acme, nobody, pair):
    change(acme, lambda user: user.set_password("another good one"))
    refused(acme, pair["access"])
    problem(nobody.post("auth/refresh/", {"refresh": pair["refresh"]}), 401, "refresh_refused")


def test_a_new_role_counts_from_the_next_request(acme, pair):
    api = Api(acme, pair["access"])
    assert api.post("categories/", {"name": "Tea"}).status_code == 201
    change(acme, lambda user: setattr(user, "role", "viewer"))
    problem(api.post("categories/", {"name": "Coffee"}), 403, "forbidden")


def test_tokens_outlive_a_rotation_of_the_secret_key(acme, pair, settings):
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another-secret-key-" * 4
    settings.SECRET_KEY_FALLBACKS = []
    refused(acme, pair["access"])
    settings.SECRET_KEY_FALLBACKS = [old]
    assert Api(acme, pair["access"]).get("me/").status_code == 200


# The doors


def test_bodies_of_the_doors_are_checked(nobody):
    assert errors(nobody.post("auth/token/", {"email": 1})) == {"/email": "invalid", "/password": "required"}
    assert errors(nobody.post("auth/refresh/", {"refresh": "", "x": 1})) == {
        "/refresh": "blank",
        "/x": "unknown_field",
    }
    problem(nobody.post("auth/refresh/", {"refresh": "x"}), 401, "refresh_refused")


def test_a_bad_credential_does_not_keep_anybody_from_signing_in(acme):
    assert Api(acme, "expired").post("auth/token/", CREDENTIALS).status_code == 200


# What is remembered


def test_a_signature_is_verified_once_and_its_key_and_expiry_heeded_each_time(acme, pair, monkeypatch):
    AccessToken.backend.forget()
    api = Api(acme, pair["access"])
    assert [api.get("me/").status_code for _ in range(2)] == [200, 200]
    (known,) = AccessToken.backend._verified.values()
    assert known.is_good
    assert not replace(known, claims={**known.claims, "exp": time.time()}).is_good
    monkeypatch.setattr(tokens, "verifying_key", lambda kid: None)
    refused(acme, pair["access"])


def test_a_remembered_token_opens_no_other_tenant(acme, globex, pair):
    assert Api(acme, pair["access"]).get("me/").status_code == 200
    refused(globex, pair["access"])

"""Verbs of credentials: token pairs for people, API tokens for programs."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError

from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Conflict, DomainError, Forbidden, Invalid
from tenants.users.api_tokens import SHOWN_LENGTH, digest, new_secret
from tenants.users.models import ApiToken, SignIn, User
from tenants.users.permissions import SCOPES
from tenants.users.sign_in import verify_password
from tenants.users.sign_ins import Turn, begin_sign_in, end_sign_in, take_turn
from tenants.users.tokens import SCHEME, AccessToken, RefreshToken, generation

NOTED_EVERY: Final = timedelta(minutes=1)
OVERLAP: Final = timedelta(hours=24)
LONGEST_OVERLAP: Final = timedelta(days=30)


class RefreshRefused(DomainError):
    """The refresh token is not valid here any more, for whatever reason."""

    keeps_writes = True
    code = "refresh_refused"
    status = 401
    title = "Sign in again"


@dataclass(frozen=True)
class TokenPair:
    """What a person's program gets for signing in or refreshing."""

    access: str
    refresh: str
    expires_in: int
    token_type: str = SCHEME


def issue_token_pair(*, email: str, password: str, address: str, client: str = "") -> TokenPair:
    """Sign a person in for the API."""
    user = verify_password(email=email, password=password, address=address)
    with transaction.atomic():
        sign_in = begin_sign_in(user=user, kind=SignIn.Kind.API, client=client, address=address)
        actor = Actor(kind="user", id=user.id, label=user.actor_label, address=address)
        record(actor=actor, verb="user.signed_in", target=user, data={"door": "api"})
    return _pair(user, Turn(sign_in.pk, sign_in.number, sign_in.used_at))


def refresh_token_pair(*, refresh: str, address: str) -> TokenPair:
    """New tokens for a refresh token whose owner may still sign in, and which was not used before."""
    token, user = _refreshing(refresh)
    if token is not None and user is not None:
        sign_in, number = token.turn
        if turn := take_turn(user=user, sign_in=sign_in, number=number, address=address):
            return _pair(user, turn)
    raise RefreshRefused("This refresh token is not valid for this workspace any more. Sign in again.")


def revoke_refresh_token(*, refresh: str, address: str) -> None:
    """Sign out: end the chain that a refresh token belongs to. What is no token any more has nothing to end."""
    token, user = _refreshing(refresh)
    if token is None or user is None:
        return
    if sign_in := SignIn.objects.filter(pk=token.turn[0], user=user, kind=SignIn.Kind.API).first():
        actor = Actor(kind="user", id=user.id, label=user.actor_label, address=address)
        end_sign_in(actor=actor, sign_in=sign_in, because=SignIn.Ending.SIGNED_OUT)


def _refreshing(refresh: str) -> tuple[RefreshToken | None, User | None]:
    try:
        token = RefreshToken(refresh)  # type: ignore[arg-type]  # its annotation is wrong: text goes in
        token.turn  # noqa: B018  (raises for a token without one)
        return token, token.user()
    except TokenError:
        return None, None


def _pair(user: User, turn: Turn) -> TokenPair:
    access, refresh = AccessToken.issue(user, turn.sign_in), RefreshToken.at(turn, user)
    return TokenPair(str(access), str(refresh), int(AccessToken.lifetime.total_seconds()))


@transaction.atomic
def create_api_token(
    *,
    actor: Actor,
    owner: User,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None = None,
    kind: str = ApiToken.Kind.SERVICE,
) -> tuple[ApiToken, str]:
    """Create a service account, or a token of the owner's own, with scopes that the owner has.

    The secret is returned here and never again.
    """
    is_personal = kind == ApiToken.Kind.PERSONAL
    if not is_personal:
        _check_manages(owner)
    _check_scopes(owner, scopes)
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid("The expiry lies in the past. Choose a later time or none.", field="expires_at")
    secret = new_secret()
    token = ApiToken(
        name=name,
        prefix=secret[:SHOWN_LENGTH],
        digest=digest(secret),
        scopes=sorted(set(scopes)),
        created_by=owner,
        person=owner if is_personal else None,
        generation=generation(owner) if is_personal else "",
        expires_at=expires_at,
    )
    token.save(force_insert=True)
    data = {"name": name, "kind": token.kind, "scopes": token.scopes}
    record(actor=actor, verb="api_token.created", target=token, data=data)
    return token, secret


def _check_manages(user: User) -> None:
    if not user.can("tokens:manage"):
        raise Forbidden(
            "Service accounts are made by owners and admins. Send kind 'personal' for a token of your own."
        )


def _check_scopes(owner: User, scopes: Collection[str]) -> None:
    if not scopes:
        raise Invalid("A token without scopes could do nothing. Name at least one.", field="scopes")
    if unknown := sorted(set(scopes) - SCOPES):
        known = ", ".join(sorted(SCOPES))
        raise Invalid(f"{unknown[0]!r} is no scope. Choose from: {known}.", field="scopes")
    if beyond := sorted(scope for scope in scopes if not owner.can(scope)):
        raise Forbidden(f"Your role does not include {beyond[0]}, so a token of yours cannot either.")


@transaction.atomic
def rotate_api_token(
    *, actor: Actor, owner: User, token: ApiToken, old_works_until: datetime | None = None
) -> tuple[ApiToken, str]:
    """Give a token a new secret. The old one works until then, by default for a day; the one before it no more."""
    token = ApiToken.objects.select_for_update(of=("self",)).get(pk=token.pk)
    _check_rotates(owner, token)
    until = _end_of_overlap(token, old_works_until)
    secret, now = new_secret(), timezone.now()
    token.previous_digest, token.previous_until = (token.digest, until) if until > now else (None, None)
    token.prefix, token.digest, token.rotated_at = secret[:SHOWN_LENGTH], digest(secret), now
    token.save(
        update_fields=["prefix", "digest", "previous_digest", "previous_until", "rotated_at", "updated_at"]
    )
    data = {"name": token.name, "old_works_until": until.isoformat()}
    record(actor=actor, verb="api_token.rotated", target=token, data=data)
    return token, secret


def _check_rotates(owner: User, token: ApiToken) -> None:
    if token.person_id not in (None, owner.pk):
        raise Forbidden("A personal token is renewed by its person only. You can revoke it.")
    if token.person_id is None:
        _check_manages(owner)
    if not token.is_usable:
        raise Conflict("This token is revoked or has expired. Make a new one.")


def _end_of_overlap(token: ApiToken, wanted: datetime | None) -> datetime:
    now = timezone.now()
    until = now + OVERLAP if wanted is None else wanted
    if until > now + LONGEST_OVERLAP:
        raise Invalid(
            f"Let the old secret work for {LONGEST_OVERLAP.days} days at most.", field="old_works_until"
        )
    return min(until, token.expires_at or until)


@transaction.atomic
def revoke_api_token(*, actor: Actor, token: ApiToken) -> ApiToken:
    """End a token at once; ending it again changes nothing."""
    now = timezone.now()
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now, updated_at=now):
        record(actor=actor, verb="api_token.revoked", target=token, data={"name": token.name})
    token.refresh_from_db()
    return token


@transaction.atomic
def note_use(*, token: ApiToken) -> None:
    """Remember that the token was used; at most once a minute, so that its row rests."""
    now = timezone.now()
    if token.last_used_at is not None and token.last_used_at > now - NOTED_EVERY:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - NOTED_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)

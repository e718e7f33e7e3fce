"""Sign-ins that last: a browser's session, or a program's chain of refresh tokens. Each can be ended by itself.

A refresh token names its sign-in and its number in the chain, and the row knows the number that comes next. So nothing
that is stored could be used, and which of two requests with the same token wins is one conditional UPDATE.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.users.models import SignIn, User

# Whoever never saw the answer may ask again for so long, and gets the same successor.
LOST_ANSWER: Final = timedelta(seconds=10)
KEPT_FOR: Final = timedelta(days=30)
LONGEST_CLIENT: Final = 200


@dataclass(frozen=True)
class Turn:
    """One number of a chain of refresh tokens, and when it was given out."""

    sign_in: UUID
    number: int
    at: datetime


@transaction.atomic
def begin_sign_in(
    *, user: User, kind: str, client: str = "", address: str | None = None, session_key: str | None = None
) -> SignIn:
    """Remember that somebody signed in, from where and with what; long forgotten ones go."""
    now = timezone.now()
    SignIn.objects.filter(user=user, expires_at__lte=now - KEPT_FOR).delete()
    sign_in = SignIn(
        user=user,
        kind=kind,
        client="".join(letter for letter in client if letter.isprintable())[:LONGEST_CLIENT],
        address=address or None,
        session_key=session_key,
        used_at=now,
        expires_at=now + _lifetime(kind),
    )
    sign_in.save(force_insert=True)
    return sign_in


def take_turn(*, user: User, sign_in: UUID, number: int, address: str | None) -> Turn | None:
    """The next number of the chain; None when this one may not be used any more.

    A number that was used before ends the chain, as one of its two users is a thief. Right after it was used the
    caller is believed not to have got the answer.
    """
    now = timezone.now()
    mine = SignIn.objects.filter(pk=sign_in, user=user, kind=SignIn.Kind.API, ended_at=None)
    following = {"number": F("number") + 1, "used_at": now, "expires_at": now + _lifetime(SignIn.Kind.API)}
    if mine.filter(number=number).update(**following, address=address or None, updated_at=now):
        return Turn(sign_in, number + 1, now)
    if (row := mine.first()) is None:
        return None
    if row.number == number + 1 and row.used_at > now - LOST_ANSWER:
        return Turn(sign_in, row.number, row.used_at)
    end_sign_in(actor=Actor.system("refresh token used twice"), sign_in=row, because=SignIn.Ending.REUSED)
    return None


@transaction.atomic
def end_sign_in(*, actor: Actor, sign_in: SignIn, because: str = "revoked") -> SignIn:
    """End one sign-in with all that it has given out; ending it again changes nothing."""
    # The person first, always: the list of what has ended is made anew from all of its rows.
    User.objects.select_for_update(no_key=True).get(pk=sign_in.user_id)
    if _end(SignIn.objects.filter(pk=sign_in.pk), because):
        _tell_tokens(sign_in.user_id)
        record(actor=actor, verb="sign_in.ended", target=sign_in, data={"because": because})
    sign_in.refresh_from_db()
    return sign_in


@transaction.atomic
def end_sign_ins(*, actor: Actor, user: User, because: str, but: UUID | None = None) -> int:
    """End all sign-ins of a person, or all but one; says how many."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    ended = _end(SignIn.objects.filter(user=user).exclude(pk__in=[but] if but else []), because)
    if ended:
        _tell_tokens(user.pk)
        data = {"because": because, "sign_ins": ended}
        record(actor=actor, verb="user.sign_ins_ended", target=user, data=data)
    return ended


def _end(sign_ins: "SignIn.Rows", because: str) -> int:
    now = timezone.now()
    open_ones = sign_ins.filter(ended_at=None)
    keys = [key for key in open_ones.values_list("session_key", flat=True) if key]
    ended = open_ones.update(ended_at=now, ended_because=because, updated_at=now)
    Session.objects.filter(session_key__in=keys).delete()
    return ended


def _tell_tokens(user_id: UUID) -> None:
    """Access tokens outlive their sign-in by minutes: until then its id stands in the row that each request reads."""
    recent = SignIn.objects.filter(
        user_id=user_id,
        kind=SignIn.Kind.API,
        ended_at__gt=timezone.now() - settings.ACCESS_TOKEN_LIFETIME,
    )
    ended = list(recent.values_list("pk", flat=True))
    User.objects.filter(pk=user_id).update(ended_sign_ins=ended, updated_at=timezone.now())


def _lifetime(kind: str) -> timedelta:
    by_session = timedelta(seconds=settings.SESSION_COOKIE_AGE)
    return settings.REFRESH_TOKEN_LIFETIME if kind == SignIn.Kind.API else by_session

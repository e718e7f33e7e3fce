"""Seats: each person who can sign in has one, and each invitation promises one."""

from dataclasses import replace
from typing import Final

from billing.entitlements import Limit, claim
from billing.limits.caps import require_budget
from tenants.users.models import User

WAY_ON: Final = "close an account or take an invitation back"


def taken() -> int:
    """People who can sign in."""
    return User.objects.filter(is_active=True, invited_at__isnull=True).count()


def taken_or_promised() -> int:
    """People who can sign in, and those who are invited."""
    return User.objects.filter(is_active=True).count()


def require_seat(*, is_promised: bool) -> None:
    """Refuse one more person. Who was invited takes a seat of those that are not taken yet."""
    require_budget("seats")
    room = claim(Limit.SEATS)
    if is_promised and room.allowed.hard is not None:
        room = replace(room, used=taken())
    room.require_room_for(1, WAY_ON)

"""Sign-in by e-mail and password, for people and operators alike."""

from typing import Any
from uuid import UUID

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from tenants.users.models import User


class EmailBackend(BaseBackend):
    """Check an e-mail and a password against the users of the realm; the work is the same for unknown addresses."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        email, password = credentials.get("username") or credentials.get("email"), credentials.get("password")
        if not email or password is None:
            return None
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            User().set_password(password)
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: UUID) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()

"""How a new account's password is stored."""

from functools import cached_property

from django.contrib.auth.hashers import make_password


class SharedPassword(str):
    """One that many accounts begin with, as a demo's do: it is hashed once for all of them."""

    @cached_property
    def hashed(self) -> str:
        return make_password(str(self))


def hashed(password: str) -> str:
    """What is stored of a password."""
    return password.hashed if isinstance(password, SharedPassword) else make_password(password)

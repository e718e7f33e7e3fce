"""Checking who somebody is by e-mail and password, alike for the portal and the API."""

import structlog

from tenants.context import public_context
from tenants.errors import DomainError
from tenants.throttling import SIGN_IN_BY_ACCOUNT, SIGN_IN_BY_ADDRESS
from tenants.users.backends import EmailBackend
from tenants.users.models import User

log = structlog.get_logger("rowhouse.sign_in")


class SignInRefused(DomainError):
    """E-mail and password do not fit, or may not sign in; which of these it is stays unsaid."""

    code = "sign_in_refused"
    status = 401
    title = "Sign-in refused"


def verify_password(*, email: str, password: str, address: str) -> User:
    """The active person with this e-mail and password; raises SignInRefused or TooManyRequests.

    Failures are counted by account in this tenant and by address on the whole platform, known or unknown
    alike: neither one password tried everywhere nor many passwords tried on one account get far.
    """
    account = email.strip().casefold()
    with public_context():
        SIGN_IN_BY_ADDRESS.refuse_beyond(address)
    SIGN_IN_BY_ACCOUNT.refuse_beyond(account)
    user = EmailBackend().authenticate(None, email=email.strip(), password=password)
    if user is None:
        SIGN_IN_BY_ACCOUNT.count(account)
        with public_context():
            SIGN_IN_BY_ADDRESS.count(address)
        log.warning("sign_in_refused", address=address)
        raise SignInRefused("E-mail and password do not match an active account of this workspace.")
    SIGN_IN_BY_ACCOUNT.forget(account)
    return user

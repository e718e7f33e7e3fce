"""Credentials that this process has verified a moment ago, bound to their tenant.

What is remembered is who a credential stood for and the versions of the rows that said so. Each request reads these
versions anew, in its own message, so that a new password, another role or a revocation counts at once. An expiry ends
the memory on time, and whether the key that signed still verifies is asked each time.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import jwt
from django.db import connections
from django.utils import timezone

from tenants.context import TENANT_ALIAS, Tenant, unit_of_work
from tenants.users.authentication import Principal, principal_of
from tenants.users.keys import verifying_key
from tenants.users.models import ApiToken, User

GOOD_FOR: Final = timedelta(minutes=5)
MOST: Final = 5_000


@dataclass(frozen=True)
class Recognised:
    """A principal, and the question that tells whether its rows are still what they were."""

    principal: Principal
    question: str
    versions: str
    until: datetime
    kid: str | None

    @property
    def is_good(self) -> bool:
        """Whether neither its time is over nor its key retired."""
        return self.until > timezone.now() and (self.kid is None or verifying_key(self.kid) is not None)


class Recognition:
    """What this process remembers; the credentials that were met longest ago are forgotten."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[UUID, str], Recognised] = OrderedDict()

    def of(self, tenant: Tenant, credential: str) -> Recognised | None:
        """Who the credential stands for, verified now or a moment ago; None when it is no good here."""
        known = self._known.get((tenant.id, credential))
        if known is not None and known.is_good:
            return known
        found = _verify(tenant, credential)
        if found is not None:
            self._known[tenant.id, credential] = found
            if len(self._known) > MOST:
                self._known.popitem(last=False)
        return found

    def forget(self, tenant: Tenant, credential: str) -> None:
        """Its rows have changed: verify it anew when it comes again."""
        self._known.pop((tenant.id, credential), None)


def _verify(tenant: Tenant, credential: str) -> Recognised | None:
    with unit_of_work(tenant):
        first = principal_of(credential)
        if first is None:
            return None
        question = _question(first)
        versions = _ask(question)
        # Read after the versions: should a row change in between, they are old and the memory is never used.
        principal = principal_of(credential)
    if principal is None or _question(principal) != question:
        return None
    return Recognised(principal, question, versions, *_ends(principal, credential))


def _ends(principal: Principal, credential: str) -> tuple[datetime, str | None]:
    """When a credential that was just verified has to be verified again, and the key on which it hangs."""
    latest = timezone.now() + GOOD_FOR
    if isinstance(principal, ApiToken):
        moments = (principal.expires_at, principal.previous_until)
        return min([latest, *(at for at in moments if at is not None and at > timezone.now())]), None
    claims = jwt.decode(credential, options={"verify_signature": False})
    expiry = datetime.fromtimestamp(claims["exp"], UTC)
    return min(latest, expiry), str(jwt.get_unverified_header(credential).get("kid"))


def _question(principal: Principal) -> str:
    rows: list[tuple[type[User | ApiToken], UUID]] = [(type(principal), principal.pk)]
    if (person := getattr(principal, "person_id", None)) is not None:
        rows.append((User, person))
    asked = "||','||".join(
        f"(SELECT xmin::text FROM {row._meta.db_table} WHERE id='{key}')" for row, key in rows
    )
    return f"SELECT {asked}||''"


def _ask(question: str) -> str:
    with connections[TENANT_ALIAS].cursor() as cursor:
        cursor.execute(question)
        return str(cursor.fetchone()[0])


recognition = Recognition()

"""Changing the keys that sign tokens, while the platform runs."""

from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from shared_apps.keys.models import StoredKey
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.routers import CONTROL_ALIAS
from tenants.users.keys import BEGINNING, SigningKey, derived, known_secrets, ring, seal_key, unseal_key

# Others may remember the published keys for PUBLISHED_FOR; a key signs only after all of them had to look again.
PUBLISHED_FOR: Final = timedelta(minutes=5)
PUBLISHED_AHEAD: Final = 2 * PUBLISHED_FOR
MARGIN: Final = timedelta(minutes=1)


@transaction.atomic(using=CONTROL_ALIAS)
def rotate_signing_keys(*, actor: Actor, compromised: bool = False) -> StoredKey:
    """Make a new key. It signs after a while, and the old ones verify until their last token has expired.

    `compromised` ends the old ones at once and with them every token they have signed.
    """
    _adopt_derived()
    _seal_anew()
    now = timezone.now()
    signs_from = now if compromised else now + PUBLISHED_AHEAD
    _retire(signs_from=signs_from, at_once=compromised)
    key = _keep(SigningKey.of(Ed25519PrivateKey.generate()), signs_from)
    data = {"kid": key.kid, "signs_from": signs_from.isoformat(), "compromised": compromised}
    record(actor=actor, verb="signing_key.rotated", target=key, data=data)
    transaction.on_commit(ring.forget, using=CONTROL_ALIAS)
    return key


def _adopt_derived() -> None:
    """The key that follows from SECRET_KEY signed before the first rotation: from now on it can be retired."""
    for secret in known_secrets() if not any(_opened(row) for row in _rows()) else ():
        _keep(derived(secret), BEGINNING)


def _seal_anew() -> None:
    """Seal all under the present SECRET_KEY, so that an earlier one may go; what nobody can open is no key."""
    for row in _rows():
        if (key := _opened(row)) is None:
            row.delete()
        else:
            row.sealed = seal_key(key)
            row.save(update_fields=["sealed", "updated_at"])


def _retire(*, signs_from: datetime, at_once: bool) -> None:
    """Say until when the present keys verify, and drop those that do not any more."""
    now = timezone.now()
    longest = max(settings.ACCESS_TOKEN_LIFETIME, settings.REFRESH_TOKEN_LIFETIME)
    until = now if at_once else signs_from + longest + MARGIN
    rows = StoredKey.objects.using(CONTROL_ALIAS)
    rows.filter(verifies_until__lte=now).delete()
    rows.filter(Q(verifies_until=None) | Q(verifies_until__gt=until)).update(
        verifies_until=until, updated_at=now
    )


def _keep(key: SigningKey, signs_from: datetime) -> StoredKey:
    row = StoredKey(kid=key.kid, sealed=seal_key(key), signs_from=signs_from)
    row.save(using=CONTROL_ALIAS, force_insert=True)
    return row


def _rows() -> list[StoredKey]:
    return list(StoredKey.objects.using(CONTROL_ALIAS).select_for_update())


def _opened(row: StoredKey) -> SigningKey | None:
    return unseal_key(row.kid, row.sealed, known_secrets())

"""For which names the proxy may fetch a certificate; strangers decide which names are asked about."""

import re
import threading
import time
from collections.abc import Callable
from typing import Final

from django.db import connections

from tenants.hosts import canonical
from tenants.routers import CONTROL_ALIAS

HOST_NAME: Final = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+")
# One indexed look for every name: known, unknown, unproven and released ones cost and take the same.
MAY_HAVE: Final = """
    SELECT EXISTS (
        SELECT FROM clients_domain d JOIN clients_client c ON c.id = d.tenant_id
         WHERE d.domain = %s AND d.verified_at IS NOT NULL AND c.status <> 'deleting')"""
RATE: Final = 20
BURST: Final = 40


class Bucket:
    """Lets `rate` a second through, and `burst` at once after a quiet time; one for each process."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._lock = threading.Lock()
        self._left, self._at = float(burst), clock()

    def take(self) -> bool:
        """Whether one more may pass now."""
        with self._lock:
            now = self._clock()
            self._left = min(self._burst, self._left + (now - self._at) * self._rate)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True


asked: Final = Bucket(RATE, BURST)


def may_have_certificate(domain: str) -> bool:
    """Whether a name was proven and its tenant is to stay; asked of the database each time, whatever the name."""
    host = canonical(domain)
    with connections[CONTROL_ALIAS].cursor() as cursor:
        # What is no host name is asked for as nothing, on the same path.
        cursor.execute(MAY_HAVE, [host if len(host) < 254 and HOST_NAME.fullmatch(host) else ""])
        return bool(cursor.fetchone()[0])

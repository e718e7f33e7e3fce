"""A process that serves the tenants of a fleet: `python -m bench.peers.on_fleet`, with the fleet's environment.

It says how many tenants it found, and then answers one line of JSON to each order on standard input:
`serve N` with the milliseconds of N requests, which go round all tenants in a random order; `touch` with the most that
a database backend had for itself, in MiB, while every table of every tenant was read; `memory` with what its backends
have now.
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import cycle, islice
from typing import Any, Final

from bench.backends import memory_mib

SEED: Final = 11


def main() -> None:
    """Prepare, say so, and take orders until standard input ends."""
    import django

    django.setup()
    from django.core.wsgi import get_wsgi_application

    from shared_apps.clients.models import Client
    from shared_apps.clients.services import as_tenant

    tenants = [as_tenant(client) for client in Client.objects.prefetch_related("domains")]
    random.Random(SEED).shuffle(tenants)
    orders: dict[str, Any] = {"touch": partial(touch, tenants), "memory": backends_mib}
    orders["serve"] = partial(serve, get_wsgi_application(), cycle([call_of(tenant) for tenant in tenants]))
    say(len(tenants))
    for line in sys.stdin:
        name, *arguments = line.split()
        say(orders[name](*map(int, arguments)))


def say(answer: Any) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def fill_first() -> None:
    """Put the shelf into the first tenant; the others get copies of its rows."""
    from bench.peers.ours import fill
    from shared_apps.clients.models import Client
    from shared_apps.clients.services import as_tenant
    from tenants.context import unit_of_work

    with unit_of_work(as_tenant(Client.objects.get(subdomain="bench-0"))):
        fill()


def call_of(tenant: Any) -> Any:
    """The product list, asked for by the tenant's owner."""
    from bench.peers.ours import product_list
    from tenants.context import unit_of_work
    from tenants.users.models import User

    with unit_of_work(tenant):
        return product_list(tenant.host, User.objects.get(role="owner"))


def serve(application: Any, turn: Iterator[Any], count: int) -> list[float]:
    """How long each of the next requests takes, in milliseconds."""
    from bench.peers.call import fetch

    took = []
    for call in islice(turn, count):
        began = time.perf_counter()
        fetch(application, call)
        took.append(1000 * (time.perf_counter() - began))
    return took


def touch(tenants: list[Any]) -> float:
    """Read every table of every tenant; the most that the backend at work had for itself."""
    from django.db import connection

    from shared_apps.fleet.grants import tenant_tables
    from tenants.context import unit_of_work

    tables, most = sorted(tenant_tables()), 0.0
    for tenant in tenants:
        with unit_of_work(tenant), connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f'SELECT * FROM "{table}" LIMIT 1')
            most = max(most, memory_mib(connection.connection.info.backend_pid))
    return most


def backends_mib() -> list[float]:
    """What each backend of the tenants' login has for itself."""
    from django.db import connections

    # Any login sees the pids of all, which is enough.
    login = connections["default"].settings_dict["USER"]
    with connections["control"].cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE usename = %s AND pid <> pg_backend_pid()", [login]
        )
        return sorted(memory_mib(pid) for (pid,) in cursor.fetchall())


if __name__ == "__main__":
    main()

"""Processes that read the rows of many tenants through a pooler: `python -m tests.isolation.readers PORT READS`.

The tenants come as JSON on standard input, id by schema. One line goes out: how many reads were made, how many of
them were wrong, and how many transactions they were made in.
"""

import json
import multiprocessing
import os
import random
import sys
from collections.abc import Mapping
from typing import Final
from uuid import UUID

PROCESSES: Final = 4
MOST_IN_A_UNIT: Final = 17
READ: Final = "SELECT name FROM users_user"


def main(port: str, reads: int, tenants: Mapping[str, str]) -> None:
    """Read in some processes at once and add up what they found."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.db import connections

    connections.settings["default"]["PORT"] = port
    # There is one thread and no connection yet, so forking is safe and spares three starts of Django.
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        jobs = [(seed, reads // PROCESSES, dict(tenants)) for seed in range(PROCESSES)]
        found = pool.starmap(read_by_turns, jobs)
    sys.stdout.write(json.dumps([sum(part) for part in zip(*found, strict=True)]))


def read_by_turns(seed: int, reads: int, tenants: dict[str, str]) -> tuple[int, int, int]:
    """One process's reads: made, wrong, and in how many units. Each read is a message of its own."""
    from django.db import connection

    from tenants.context import Tenant, unit_of_work

    everybody = [Tenant(id=UUID(own), schema=name, name="x", host="x") for name, own in tenants.items()]
    dice, made, wrong, units = random.Random(seed), 0, 0, 0
    while made < reads:
        tenant, most = dice.choice(everybody), min(dice.randint(1, MOST_IN_A_UNIT), reads - made)
        with unit_of_work(tenant), connection.cursor() as cursor:
            for _ in range(most):
                cursor.execute(READ)
                wrong += cursor.fetchall() != [(tenant.schema,)]
        made, units = made + most, units + 1
    return made, wrong, units


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), json.load(sys.stdin))

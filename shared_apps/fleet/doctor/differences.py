"""What one catalog has that another of the same generation has not, object by object instead of line by line."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

SORTS: Final = {"S": "sequence", "v": "view", "m": "materialized view", "f": "foreign table"}
ON_TABLE = re.compile(r' ON (?:ONLY )?"?([^" ]+)"? ')
CREATED = re.compile(r'CREATE (?:CONSTRAINT )?(?:TRIGGER|STATISTICS) "?([^" ]+)')
Key = tuple[str, str, str]  # the sort of object, its table, its name


@dataclass(frozen=True)
class Difference:
    """One object that is missing, left over, or other than in the model."""

    sort: str
    table: str
    name: str
    how: str  # "missing", "left over" or "changed"

    def __str__(self) -> str:
        where = f" of {self.table}" if self.table and self.sort != "index" else ""
        return f"{self.sort} {self.name}{where} is {self.how}"


def differences(lines: Iterable[str], model: Iterable[str]) -> list[Difference]:
    """How a catalog differs from the model, both as `baseline.catalog` lists them."""
    ours, theirs = _objects(lines), _objects(model)
    found = [
        Difference(*key, _how(key in ours, key in theirs))
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key) != theirs.get(key)
    ]
    return _without_consequences(found) or [Difference("order", "", "of columns", "changed")]


def tables_of(lines: Iterable[str]) -> frozenset[str]:
    """The tables in a catalog."""
    return frozenset(line.split(" ")[1] for line in lines if line.startswith("table "))


def _objects(lines: Iterable[str]) -> dict[Key, list[str]]:
    found: dict[Key, list[str]] = {}
    for line in lines:
        sort, first, *rest = line.split(" ")
        second = rest[0] if rest else ""
        if sort == "column":
            # Without its number: one column more in the middle is no change of those after it.
            found.setdefault((sort, first, rest[1]), []).append(" ".join(rest[1:]))
        elif sort == "table":
            found.setdefault((SORTS.get(second, sort), "", first), []).append(line)
        elif sort == "index":
            table = ON_TABLE.search(line)
            found.setdefault((sort, table[1] if table else "", first), []).append(line)
        elif sort == "trigger":
            table, name = ON_TABLE.search(line), CREATED.search(line)
            found.setdefault((sort, table[1] if table else "", name[1] if name else first), []).append(line)
        elif sort == "statistics":
            name = CREATED.search(line)
            found.setdefault((sort, "", name[1] if name else first), []).append(line)
        elif sort in ("constraint", "policy"):
            is_implied = sort == "constraint" and rest[1:2] == ["n"]
            found.setdefault(("not null" if is_implied else sort, first, second), []).append(line)
        else:
            found.setdefault((sort, "", first), []).append(line)
    return found


def _how(is_ours: bool, is_theirs: bool) -> str:
    return "changed" if is_ours and is_theirs else "left over" if is_ours else "missing"


def _without_consequences(found: list[Difference]) -> list[Difference]:
    """Without what follows from another difference: a table's parts from the table, NOT NULL from its column."""
    tables = {each.name for each in found if not each.table and each.how != "changed"}
    columns = {each.table for each in found if each.sort == "column"}
    return [
        each
        for each in found
        if each.table not in tables and not (each.sort == "not null" and each.table in columns)
    ]

"""The table of states in the documents is the one that the code answers by."""

from config import env
from tenants.status import TABLE, Row


def told(name: str | None, row: Row) -> str:
    refusal, door, socket = row.refusal, "open", "open"
    if refusal is not None:
        wait = f", again after {refusal.retry_after} s" if refusal.retry_after else ""
        door = f"{refusal.status} `{refusal.code}`{wait}"
        socket = f"{refusal.status}, or close {refusal.close}"
    verbs = ", ".join(f"`{verb}`" for verb in row.verbs) or "none"
    return f"| {name or 'no such tenant'} | {door} | {socket} | {row.tasks} | {verbs} | {row.stripe} |"


def test_the_documented_table_is_the_one_in_the_code() -> None:
    lines = (env.ROOT / "docs/tenants.md").read_text().splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("| state | portal and API |"))
    rows = lines[begin + 2 : begin + 2 + len(TABLE)]
    assert rows == [told(name, row) for name, row in TABLE.items()]

"""What a process of PostgreSQL costs, as Linux tells it."""

import re
from pathlib import Path


def memory_mib(pid: int) -> float:
    """What a backend has for itself, in MiB.

    Anonymous memory only. Private_Dirty would do for most programs, but counts a page of the shared buffers as private
    as long as no other process has happened to look at it.
    """
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss_Anon: +(\d+) kB", text, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"The kernel does not tell what process {pid} has for itself.")
    return int(found[1]) / 1024

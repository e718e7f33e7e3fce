"""What a process of PostgreSQL costs, as Linux tells it."""

import re
from pathlib import Path


def memory_mib(pid: int) -> float:
    """What a backend has for itself, in MiB: its private dirty pages, which leave out the shared buffers."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Private_Dirty: +(\d+) kB", text, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"The kernel does not tell what process {pid} has for itself.")
    return int(found[1]) / 1024

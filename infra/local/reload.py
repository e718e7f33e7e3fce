"""Notices that the code has changed."""

from __future__ import annotations

import time
from pathlib import Path

from infra.local.instance import SOURCES

PAUSE = 0.5


class SourceWatcher:
    """Compares the newest change of all Python files, twice a second at most."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.known = self._snapshot()
        self.looked_at = time.monotonic()

    def has_changed(self) -> bool:
        """Whether a file was changed, added or removed since the last time this said so."""
        if time.monotonic() - self.looked_at < PAUSE:
            return False
        before, self.known = self.known, self._snapshot()
        self.looked_at = time.monotonic()
        return before != self.known

    def _snapshot(self) -> dict[Path, int]:
        found: dict[Path, int] = {}
        for path in (path for folder in SOURCES for path in (self.root / folder).rglob("*.py")):
            try:
                found[path] = path.stat().st_mtime_ns
            except FileNotFoundError:
                continue
        return found

"""What every benchmark answers: the same form as JSON for programs, and a table for people."""

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

COLUMNS: Final = ("name", "unit", "ours", "peer", "limit", "ratio_to_peer", "ratio_to_limit", "runs")


@dataclass(frozen=True)
class Result:
    """One figure beside the peer's and beside the physical limit; None where there is no such thing."""

    name: str
    unit: str
    ours: float
    peer: float | None = None
    limit: float | None = None
    ratio_to_peer: float | None = None
    ratio_to_limit: float | None = None
    runs: int | None = None


@dataclass(frozen=True)
class Report:
    """All figures of a benchmark, and what has to be known to read them."""

    bench: str
    results: list[Result]
    notes: tuple[str, ...] = ()

    def as_json(self) -> str:
        """One object for programs."""
        results = [asdict(result) for result in self.results]
        return json.dumps({"bench": self.bench, "machine": machine(), "results": results}, indent=2)

    def as_text(self) -> str:
        """A table for people, with the notes below it."""
        rows = [COLUMNS, *(_cells(result) for result in self.results)]
        widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
        lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
        about = ", ".join(f"{name} {value}" for name, value in machine().items())
        return "\n".join([*lines, "", *self.notes, f"Machine: {about}."])


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(_memory() / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _cells(result: Result) -> tuple[str, ...]:
    return tuple(_cell(value) for value in asdict(result).values())


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)


def _aligned(row: Iterable[str], widths: list[int]) -> list[str]:
    return [
        cell.ljust(width) if at < 2 else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]

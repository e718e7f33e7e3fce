"""Draws what `bin/bench NAME --save` has kept: how far we are from the stock peer, and how near to the limit."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from bench.report import Report

HERE: Final = Path(__file__).parent
KEPT, DRAWN = HERE / "results.json", HERE / "results.svg"
WIDTH, ROW, NAMES, SCALE = 860, 26, 230, 520
PANELS: Final = (
    (
        "ratio_to_peer",
        "Times better than stock django-tenants, or than ourselves without the measure (log scale)",
        1.0,
        10_000.0,
    ),
    ("ratio_to_limit", "Share of the physical limit, or of the bar (1 is as fast as it can be)", 0.1, 10.0),
)
# Two tones that keep their contrast on white and on black.
STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#5b6b73}.h{font-weight:600}.b{fill:#1d8a99}.l{stroke:#8a9aa3;"
    "stroke-dasharray:3 3}"
)


def keep(report: Report) -> None:
    """Keep a report beside those of the other benchmarks, and draw all of them."""
    kept: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    kept[report.bench] = json.loads(report.as_json())
    KEPT.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
    DRAWN.write_text(drawing(kept))


def drawing(kept: dict[str, Any]) -> str:
    """One SVG with a panel for each kind of ratio."""
    parts, top = [], 10.0
    for ratio, title, least, most in PANELS:
        rows = list(_rows(kept, ratio))
        parts.append(_panel(title, rows, top, least, most))
        top += (len(rows) + 2) * ROW
    body = "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:.0f}" role="img">'
        f"<title>Results of the benchmarks</title><style>{STYLE}</style>{body}</svg>\n"
    )


def _rows(kept: dict[str, Any], ratio: str) -> Iterator[tuple[str, float]]:
    for bench, report in sorted(kept.items()):
        for result in report["results"]:
            if result[ratio] is not None:
                yield f"{bench}: {result['name']}", float(result[ratio])


def _panel(title: str, rows: list[tuple[str, float]], top: float, least: float, most: float) -> str:
    head = f'<text class="h" x="0" y="{top + 14}">{escape(title)}</text>'
    one = NAMES + _place(1.0, least, most)
    line = (
        f'<line class="l" x1="{one:.1f}" x2="{one:.1f}" y1="{top + 22}" y2="{top + (len(rows) + 1) * ROW}"/>'
    )
    bars = (_bar(name, value, top + (at + 1) * ROW, least, most) for at, (name, value) in enumerate(rows))
    return head + line + "".join(bars)


def _bar(name: str, value: float, top: float, least: float, most: float) -> str:
    length = max(_place(value, least, most), 1.0)
    return (
        f'<text x="0" y="{top + 16}">{escape(name)}</text>'
        f'<rect class="b" x="{NAMES}" y="{top + 4}" width="{length:.1f}" height="16" rx="3"/>'
        f'<text x="{NAMES + length + 6:.1f}" y="{top + 16}">{_figure(value)}</text>'
    )


def _place(value: float, least: float, most: float) -> float:
    """Where a ratio stands on the logarithmic scale."""
    share = math.log(max(value, least) / least) / math.log(most / least)
    return SCALE * min(share, 1.0)


def _figure(value: float) -> str:
    return f"{value:,.0f} ×" if value >= 100 else f"{value:.2f} ×"

"""Bar charts as plain SVG geometry. Widths are per cent and heights pixels, so that text never stretches."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil, floor, log10
from typing import Final

PLOT_TOP: Final = 22.0
PLOT_BOTTOM: Final = 204.0
LEFT_PERCENT: Final = 7.0
STEPS: Final = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Point:
    """One bar: the name under it, its value, and how the value reads."""

    label: str
    value: Decimal
    text: str
    is_partial: bool = False


@dataclass(frozen=True)
class Bar:
    """A point with its place in the drawing."""

    point: Point
    x: str
    width: str
    middle: str
    y: float
    height: float


@dataclass(frozen=True)
class Tick:
    """A label along an axis; minor ones give way on a phone."""

    text: str
    at: str
    is_minor: bool = False


@dataclass(frozen=True)
class BarChart:
    """Everything that the template draws."""

    unit: str
    points: Sequence[Point]
    bars: list[Bar] = field(default_factory=list)
    lines: list[tuple[float, str]] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)
    peak: Bar | None = None

    @property
    def is_empty(self) -> bool:
        return self.peak is None


def bar_chart(points: Sequence[Point], *, unit: str) -> BarChart:
    """Lay the points out: round gridlines, one label in five below, the highest bar named directly."""
    highest = max((point.value for point in points), default=Decimal(0))
    if highest <= 0:
        return BarChart(unit, points)
    grid = _grid(float(highest))
    bars = [_bar(point, place, len(points), grid[-1]) for place, point in enumerate(points)]
    peak = max(bars, key=lambda bar: bar.point.value)
    lines = [(_y(value, grid[-1]), _short(value)) for value in grid]
    return BarChart(unit, points, bars, lines, _ticks(bars), peak)


def _grid(highest: float) -> list[float]:
    rough = highest / 3
    power = 10.0 ** floor(log10(rough))
    step = next(size * power for size in STEPS if size * power >= rough)
    return [step * count for count in range(ceil(highest / step) + 1)]


def _y(value: float, top: float) -> float:
    return round(PLOT_BOTTOM - (PLOT_BOTTOM - PLOT_TOP) * value / top, 1)


def _bar(point: Point, place: int, count: int, top: float) -> Bar:
    slot = (100 - LEFT_PERCENT) / count
    width = slot * (0.72 if count > 4 else 0.4)
    start = LEFT_PERCENT + slot * place + (slot - width) / 2
    y = _y(max(float(point.value), 0.0), top)
    middle, height = start + width / 2, round(PLOT_BOTTOM - y, 1)
    return Bar(point, _percent(start), _percent(width), _percent(middle), y, height)


def _ticks(bars: list[Bar]) -> list[Tick]:
    every = max(1, ceil(len(bars) / 6))
    named = bars[::every]
    return [Tick(bar.point.label, bar.middle, place % 2 == 1) for place, bar in enumerate(named)]


def _percent(value: float) -> str:
    return f"{value:.2f}%"


def _short(value: float) -> str:
    for size, letter in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"

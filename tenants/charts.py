"""Bar charts as plain SVG geometry. Widths are per cent and heights pixels, so that text never stretches."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil, floor, log10
from typing import Final

from tenants.formats import MINUS

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

    @property
    def anchor(self) -> str:
        """Where a label hangs, so that it stays inside the drawing."""
        middle = float(self.middle.rstrip("%"))
        return "start" if middle < 12 else "end" if middle > 94 else "middle"


@dataclass(frozen=True)
class Tick:
    """A label along an axis; minor ones give way on a phone."""

    text: str
    at: str
    is_minor: bool = False


@dataclass(frozen=True)
class Line:
    """A gridline at a round value; the one at zero is the base that bars stand on or hang from."""

    y: float
    text: str
    is_base: bool


@dataclass(frozen=True)
class BarChart:
    """Everything that the template draws."""

    unit: str
    points: Sequence[Point]
    bars: list[Bar] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)
    peak: Bar | None = None

    @property
    def is_empty(self) -> bool:
        return self.peak is None


@dataclass(frozen=True)
class Scale:
    """Values to pixels, between round bounds that include zero."""

    step: float
    lowest: int
    highest: int

    @classmethod
    def over(cls, values: Sequence[float]) -> "Scale":
        least, most = min(0.0, *values), max(0.0, *values)
        rough = (most - least) / 3
        power = 10.0 ** floor(log10(rough))
        step = next(size * power for size in STEPS if size * power >= rough)
        return cls(step, floor(least / step), ceil(most / step))

    def y(self, value: float) -> float:
        share = (value / self.step - self.lowest) / (self.highest - self.lowest)
        return round(PLOT_BOTTOM - (PLOT_BOTTOM - PLOT_TOP) * share, 1)

    @property
    def lines(self) -> list[Line]:
        values = ((count, count * self.step) for count in range(self.lowest, self.highest + 1))
        return [Line(self.y(value), _short(value), is_base=count == 0) for count, value in values]


def bar_chart(points: Sequence[Point], *, unit: str) -> BarChart:
    """Lay the points out: round gridlines, one label in five below, the highest bar named directly."""
    if not any(point.value for point in points):
        return BarChart(unit, points)
    scale = Scale.over([float(point.value) for point in points])
    bars = [_bar(point, place, len(points), scale) for place, point in enumerate(points)]
    peak = max(bars, key=lambda bar: bar.point.value)
    return BarChart(unit, points, bars, scale.lines, _ticks(bars), peak)


def _bar(point: Point, place: int, count: int, scale: Scale) -> Bar:
    slot = (100 - LEFT_PERCENT) / count
    width = slot * (0.72 if count > 4 else 0.4)
    start = LEFT_PERCENT + slot * place + (slot - width) / 2
    base, end = scale.y(0), scale.y(float(point.value))
    middle, height = start + width / 2, round(abs(base - end), 1)
    return Bar(point, _percent(start), _percent(width), _percent(middle), min(base, end), height)


def _ticks(bars: list[Bar]) -> list[Tick]:
    every = max(1, ceil(len(bars) / 6))
    named = bars[::every]
    return [Tick(bar.point.label, bar.middle, place % 2 == 1) for place, bar in enumerate(named)]


def _percent(value: float) -> str:
    return f"{value:.2f}%"


def _short(value: float) -> str:
    for size, letter in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}".replace("-", MINUS)
    return f"{value:g}".replace("-", MINUS)

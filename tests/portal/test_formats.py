"""How money, numbers, times and charts read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from tenants import formats
from tenants.charts import Point, bar_chart
from tenants.context import public_context, tenant_context

NOW = datetime(2026, 3, 12, 15, 0, tzinfo=UTC)


@pytest.fixture
def now(monkeypatch, acme):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    with tenant_context(acme):
        yield NOW


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1204.5", "GBP", "£1,204.50"),
        ("-3", "EUR", "\N{MINUS SIGN}€3.00"),
        ("12", "CHF", "CHF\N{NO-BREAK SPACE}12.00"),
        ("1234", "JPY", "JPY\N{NO-BREAK SPACE}1,234"),
        ("0", "USD", "$0.00"),
    ],
)
def test_money_carries_its_currency(amount, currency, text):
    assert formats.money(Decimal(amount), currency) == text


def test_changes_carry_their_sign():
    assert [formats.change(number) for number in (1200, 0, -7)] == ["+1,200", "0", "\N{MINUS SIGN}7"]


@pytest.mark.parametrize(
    ("gap", "text"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(seconds=50), "1 min ago"),
        (timedelta(minutes=50), "50 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(hours=20), "yesterday"),
        (timedelta(days=5), "5 days ago"),
        (timedelta(days=30), "10 Feb"),
        (timedelta(days=400), "5 Feb 2025"),
        (-timedelta(seconds=20), "in a moment"),
        (-timedelta(minutes=20), "in 20 min"),
        (-timedelta(hours=5), "in 5 h"),
        (-timedelta(hours=20), "tomorrow"),
        (-timedelta(days=30), "in 30 days"),
        (-timedelta(days=90), "10 Jun"),
    ],
)
def test_times_read_as_people_say_them(now, gap, text):
    assert formats.relative(now - gap) == text


def test_exact_times_are_those_of_the_tenants_clocks(acme):
    with tenant_context(replace(acme, time_zone="America/New_York")):
        assert formats.exact(NOW) == "12 Mar 2026, 11:00 EDT"
    with tenant_context(replace(acme, time_zone="Nowhere/Atall")):
        assert formats.exact(NOW) == "12 Mar 2026, 15:00 UTC"
    with public_context():
        assert formats.exact(NOW) == "12 Mar 2026, 15:00 UTC"


def test_spans_and_initials():
    assert [formats.span(count) for count in (4.4, 89, 90, 3900)] == ["4 s", "89 s", "2 min", "1 h 5 min"]
    names = ("Ada Lovelace", "owner", "a.b@c.example", "“Quoted”", "")
    assert [formats.initials(name) for name in names] == ["AL", "O", "AB", "?", "?"]


def points(*values: int) -> list[Point]:
    return [Point(str(place), Decimal(value), f"£{value}") for place, value in enumerate(values)]


def test_a_chart_of_nothing_is_empty():
    assert bar_chart([], unit="£").is_empty
    assert bar_chart(points(0, 0), unit="£").is_empty


def test_a_single_bar_stands_on_the_base_and_names_itself():
    chart = bar_chart(points(730), unit="£")
    assert chart.peak == chart.bars[0]
    assert [line.text for line in chart.lines] == ["0", "250", "500", "750"]
    assert chart.bars[0].y + chart.bars[0].height == pytest.approx(204.0)


def test_bars_below_zero_hang_from_the_base():
    chart = bar_chart(points(2000, -1000), unit="£")
    base = next(line for line in chart.lines if line.is_base)
    assert chart.bars[1].y == base.y
    assert [line.text for line in chart.lines] == ["\N{MINUS SIGN}1k", "0", "1k", "2k"]
    assert all(22 <= bar.y <= 204 for bar in chart.bars)


def test_the_label_of_the_highest_bar_stays_inside():
    many = points(*[1] * 29, 9)
    charts = [bar_chart(drawn, unit="£") for drawn in (many, many[::-1], points(1, 2, 1))]
    assert [chart.peak and chart.peak.anchor for chart in charts] == ["end", "start", "middle"]

"""The plan files, read strictly: what is unknown, missing or beyond what Stripe can charge is refused by name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from billing.meters import METERS
from billing.plans.versions import Allowed, Feature, Limit, PlanVersion
from billing.pricing.rating import CENT, ZERO, Mode, Price, Terms, Tier
from tenants.api.limits import Quota

FOLDER: Final = Path(__file__).parent
INTERVALS: Final = ("month", "year")
# Stripe takes twelve decimals of a cent.
DECIMALS: Final = 14
REQUIRED: Final = object()
AMOUNT: Final = re.compile(rf"\d{{1,9}}(\.\d{{1,{DECIMALS}}})?")
Word = TypeVar("Word", bound=StrEnum)


class CatalogueError(ValueError):
    """A plan file that cannot be followed: which file, which key, what was expected."""


class Table:
    """A table of a file. Each key is taken once; what is left at the end is unknown."""

    def __init__(self, where: str, values: object) -> None:
        self.where = where
        if not isinstance(values, dict):
            raise self.refused("", "a table of keys and values", values)
        self._values = dict(values)
        self._known: list[str] = []

    def text(self, key: str, default: object = REQUIRED) -> str:
        """A text that says something."""
        value = self._take(key, default)
        if not isinstance(value, str) or (not value and default is REQUIRED):
            raise self.refused(key, "a text", value)
        return value

    def amount(self, key: str, default: object = REQUIRED, *, cents: bool = False) -> Decimal:
        """Money, from a text: 0.1 as a number of TOML would not be a tenth."""
        value = self._take(key, default)
        if isinstance(value, Decimal):
            return value
        if not isinstance(value, str) or not AMOUNT.fullmatch(value):
            expected = f'an amount as text, such as "12.50", with at most {DECIMALS} decimals'
            raise self.refused(key, expected, value)
        amount = Decimal(value)
        if cents and amount != amount.quantize(CENT):
            raise self.refused(key, "whole cents", value)
        return amount

    def whole(self, key: str, default: object = REQUIRED, *, least: int = 0) -> int:
        """A number of something."""
        value = self.whole_or_none(key, default, least=least)
        if value is None:
            raise self.refused(key, f"a whole number from {least}", value)
        return value

    def whole_or_none(self, key: str, default: object = None, *, least: int = 0) -> int | None:
        """A number of something, or nothing."""
        value = self._take(key, default)
        if value is not None and (type(value) is not int or value < least):
            raise self.refused(key, f"a whole number from {least}", value)
        return value if isinstance(value, int) else None

    def flag(self, key: str) -> bool:
        """Yes or no."""
        value = self._take(key, REQUIRED)
        if not isinstance(value, bool):
            raise self.refused(key, "true or false", value)
        return value

    def word(self, key: str, words: type[Word]) -> Word:
        """One of the words of an enum."""
        return self._word(key, self._take(key, REQUIRED), words)

    def words(self, key: str, words: type[Word]) -> frozenset[Word]:
        """Some of the words of an enum."""
        return frozenset(self._word(key, value, words) for value in self._list(key))

    def table(self, key: str) -> Table:
        """A table inside; an empty one where there is none."""
        return Table(f"{self.where}, {key}", self._take(key, {}))

    def tables(self, key: str, by: str = "") -> list[Table]:
        """A list of tables, each called by one of its own values or by its place."""
        return [
            Table(f"{self.where}, {key} {each.get(by, at) if isinstance(each, dict) else at}", each)
            for at, each in enumerate(self._list(key), 1)
        ]

    def keys(self) -> Iterator[str]:
        """The keys that nobody has asked for."""
        return iter([key for key in self._values if key not in self._known])

    def done(self) -> None:
        """Refuse what nobody has asked for: a typing mistake would be a price that is not charged."""
        if unknown := sorted(self.keys()):
            known = ", ".join(sorted(self._known))
            raise CatalogueError(f"{self.where}: unknown key {unknown[0]!r}; the keys here are {known}.")

    def refused(self, key: str, expected: str, found: object) -> CatalogueError:
        """The error for one key."""
        what = "nothing" if found is None or found is REQUIRED else repr(found)
        at = f"{self.where}: {key!r}" if key else self.where
        return CatalogueError(f"{at} must be {expected}; found {what}.")

    def _take(self, key: str, default: object) -> object:
        self._known.append(key)
        value = self._values.get(key, default)
        if value is REQUIRED:
            raise CatalogueError(f"{self.where}: {key!r} is missing.")
        return value

    def _list(self, key: str) -> list[object]:
        value = self._take(key, [])
        if not isinstance(value, list):
            raise self.refused(key, "a list", value)
        return value

    def _word(self, key: str, value: object, words: type[Word]) -> Word:
        try:
            return words(str(value))
        except ValueError:
            raise self.refused(key, f"one of {', '.join(words)}", value) from None


def read(folder: Path = FOLDER) -> dict[str, tuple[PlanVersion, ...]]:
    """All versions of all plans, oldest first; raises CatalogueError with file, key and what was expected."""
    plans = {path.stem: _plan(path) for path in sorted(folder.glob("*.toml"))}
    for key, versions in plans.items():
        larger = versions[-1].larger
        if larger is not None and (larger not in plans or larger == key):
            raise CatalogueError(
                f"{key}.toml: 'larger' must be the name of another plan's file; found {larger!r}."
            )
    return plans


def _plan(path: Path) -> tuple[PlanVersion, ...]:
    try:
        file = Table(path.name, tomllib.loads(path.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{path.name}: not TOML: {error}.") from None
    name, larger = file.text("name"), file.text("larger", "") or None
    tables = file.tables("versions", by="number")
    file.done()
    versions = tuple(_version(path.stem, name, larger, table) for table in tables)
    if [version.number for version in versions] != list(range(1, len(versions) + 1)) or not versions:
        raise CatalogueError(
            f"{path.name}: 'versions' must be numbered 1, 2, 3 … without a gap, oldest first."
        )
    return versions


def _version(key: str, name: str, larger: str | None, table: Table) -> PlanVersion:
    interval = table.text("interval", "month")
    if interval not in INTERVALS:
        raise table.refused("interval", f"one of {', '.join(INTERVALS)}", interval)
    version = PlanVersion(
        key=key,
        number=table.whole("number", least=1),
        name=name,
        summary=table.text("summary"),
        terms=_terms(table),
        interval=interval,
        limits=_limits(table.table("limits")),
        features=table.words("features", Feature),
        requests=_requests(table.table("requests")),
        trial_days=table.whole("trial_days", 0),
        larger=larger,
        is_offered=table.flag("offered"),
    )
    table.done()
    return version


def _terms(table: Table) -> Terms:
    currency = table.text("currency")
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise table.refused("currency", "three capital letters such as EUR", currency)
    if "minimum" in table.keys():  # noqa: SIM118 - not a dict
        raise CatalogueError(
            f"{table.where}: 'minimum' cannot be sold: Stripe has no minimum for a subscription. "
            "Make it the base price, and include what it pays for."
        )
    prices = tuple(_price(each) for each in table.tables("prices", by="meter"))
    meters = [price.meter for price in prices]
    if twice := {meter for meter in meters if meters.count(meter) > 1}:
        raise CatalogueError(f"{table.where}: 'prices' has {min(twice)} twice; a meter has one price.")
    return Terms(currency, base=table.amount("base", ZERO, cents=True), prices=prices)


def _price(table: Table) -> Price:
    meter, mode = table.text("meter"), table.word("mode", Mode)
    if meter not in METERS:
        raise table.refused("meter", f"one of {', '.join(METERS)}", meter)
    included = table.whole("included", 0)
    if included and mode is not Mode.GRADUATED:
        raise CatalogueError(f"{table.where}: {NOT_INCLUDED[mode]}")
    size = table.whole("package_size", least=1) if mode is Mode.PACKAGE else 1
    tiers = (Tier(None, table.amount("package_price")),) if mode is Mode.PACKAGE else _tiers(table)
    table.done()
    if tiers[0].flat_amount and not included:
        raise CatalogueError(
            f"{table.where}: 'flat' of the first tier would be charged by Stripe even if nothing is used. "
            "Put it into the plan's 'base'."
        )
    try:
        return Price(meter, mode, tiers, included, size)
    except ValueError as error:
        raise CatalogueError(f"{table.where}: 'tiers': {error}") from None


NOT_INCLUDED: Final = {
    Mode.VOLUME: (
        "'included' does not go with volume tiers: at Stripe the tier that is reached prices all units, the first "
        'ones too. Use mode = "graduated", or make the first tier cost "0" and mean it.'
    ),
    Mode.PACKAGE: (
        "'included' does not go with packages: Stripe divides all that was used, and cannot take units off first. "
        'Use mode = "graduated", or a larger base price.'
    ),
}


def _tiers(table: Table) -> tuple[Tier, ...]:
    tiers = [_tier(each) for each in table.tables("tiers")]
    if not tiers:
        raise table.refused("tiers", "at least one tier", None)
    return tuple(tiers)


def _tier(table: Table) -> Tier:
    tier = Tier(table.whole_or_none("up_to", least=1), table.amount("unit", ZERO), table.amount("flat", ZERO))
    table.done()
    return tier


def _limits(table: Table) -> dict[Limit, Allowed]:
    limits = {}
    for key in table.keys():  # noqa: SIM118 - not a dict
        if key not in set(Limit):
            raise CatalogueError(f"{table.where}: unknown limit {key!r}; there are {', '.join(Limit)}.")
        limits[Limit(key)] = _allowed(table.table(key))
    return limits


def _allowed(table: Table) -> Allowed:
    allowed = Allowed(table.whole_or_none("hard"), table.whole_or_none("soft"))
    table.done()
    if allowed.hard is None and allowed.soft is None:
        raise table.refused("", "hard, soft or both", None)
    if allowed.hard is not None and allowed.soft is not None and allowed.soft > allowed.hard:
        raise table.refused("soft", f"at most 'hard', which is {allowed.hard}", allowed.soft)
    return allowed


def _requests(table: Table) -> Quota:
    quota = Quota(table.whole_or_none("tenant", least=1), table.whole_or_none("credential", least=1))
    table.done()
    return quota

"""Lists of the portal: filters, order and page live in the URL; a page costs the same wherever it lies."""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import product
from typing import Any, ClassVar, Final, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, Q, QuerySet
from django.forms import Form
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.functional import cached_property

from tenants.exporting import FORMATS, Sheet
from tenants.portal import show

PAGE: Final = 50
MOST_COUNTED: Final = 10_000
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """The rows to show, and where the neighbouring pages begin."""

    rows: list[Row]
    before: str | None
    after: str | None

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Tab:
    """One ready-made view of a list."""

    label: str
    url: str
    is_current: bool


class Listing(Generic[Row]):
    """One list as its URL asks for it. Subclasses say what it holds, filters and sorts by."""

    noun: ClassVar[tuple[str, str]] = ("record", "records")
    form_class: ClassVar[type[Form]] = Form
    sorts: ClassVar[Mapping[str, str]] = {"created": "created_at"}
    default_sort: ClassVar[str] = "-created"
    sheets: ClassVar[tuple[Sheet, ...]] = ()

    def __init__(self, request: HttpRequest, queryset: QuerySet[Row]) -> None:
        self.request = request
        self.form = self.form_class(request.GET or None)
        self.chosen = self._chosen()
        self.queryset = self.filter(queryset, self.chosen)
        self._everything = queryset

    def filter(self, queryset: QuerySet[Row], chosen: Mapping[str, Any]) -> QuerySet[Row]:
        """Narrow the rows to the chosen filters."""
        return queryset

    def _chosen(self) -> dict[str, Any]:
        # A value that the form does not know is left out, so that an old bookmark still opens the list.
        if self.form.is_bound:
            self.form.full_clean()
            return self.form.cleaned_data
        return {}

    @cached_property
    def is_blank(self) -> bool:
        """Whether there is nothing at all yet, whatever the filters."""
        return not self.page.rows and not self._everything.order_by().exists()

    def tabs_of(self, name: str, choices: Iterable[tuple[str, str]]) -> list[Tab]:
        """The values of one filter as views of the list; the first is what it shows unasked."""
        tabs = []
        for place, (value, label) in enumerate(choices):
            query = self.request.GET.copy()
            for dropped in (name, "before", "after"):
                query.pop(dropped, None)
            if place:
                query[name] = value
            chosen = self.chosen.get(name)
            is_current = chosen == value or (place == 0 and not chosen)
            tabs.append(Tab(label, f"{self.request.path}?{query.urlencode()}".rstrip("?"), is_current))
        return tabs

    @cached_property
    def count(self) -> int:
        """How many rows match, counted up to a limit."""
        return self.queryset.order_by()[: MOST_COUNTED + 1].count()

    @property
    def counted(self) -> str:
        """How many match, in words: `1 order`, `10,000+ orders`."""
        one, many = self.noun
        number = f"{MOST_COUNTED:,}+" if self.count > MOST_COUNTED else f"{self.count:,}"
        return f"{number} {one if self.count == 1 else many}"

    @cached_property
    def sort(self) -> tuple[str, bool]:
        """The column sorted by, and whether it runs downwards."""
        asked = self.request.GET.get("sort", "")
        name = asked if asked.removeprefix("-") in self.sorts else self.default_sort
        return name.removeprefix("-"), name.startswith("-")

    def sorting(self, name: str) -> dict[str, Any]:
        """What the head of a sortable column needs."""
        current, downwards = self.sort
        if name != current:
            return {"next": name, "direction": ""}
        if downwards:
            return {"next": name, "direction": "descending"}
        return {"next": f"-{name}", "direction": "ascending"}

    def file(self) -> StreamingHttpResponse | None:
        """The whole list as the file that the URL asks for (`?download=products.csv`); None where it asks for none."""
        found = {f"{sheet.name}.{form}": (sheet, form) for sheet in self.sheets for form in FORMATS}
        if (asked := found.get(self.request.GET.get("download", ""))) is None:
            return None
        sheet, form = asked
        return sheet.file(self._ordered(backwards=False, place=None), form, self.request.user)

    @property
    def downloads(self) -> list[tuple[str, str]]:
        """The files of the list as it is filtered now: label and address."""
        query = self.request.GET.copy()
        for dropped in ("before", "after"):
            query.pop(dropped, None)
        found = []
        for sheet, form in product(self.sheets, FORMATS):
            query["download"] = f"{sheet.name}.{form}"
            label = f"{sheet.name.capitalize()}, {form.upper()}" if len(self.sheets) > 1 else form.upper()
            found.append((label, f"?{query.urlencode()}"))
        return found

    @cached_property
    def page(self) -> Page[Row]:
        """The page that the URL points at; one row more is read to know whether another follows."""
        if (place := _unpack(self.request.GET.get("before"))) is not None:
            rows = list(self._ordered(backwards=True, place=place)[: PAGE + 1])
            return self._page(rows[:PAGE][::-1], has_before=len(rows) > PAGE, has_after=True)
        place = _unpack(self.request.GET.get("after"))
        rows = list(self._ordered(backwards=False, place=place)[: PAGE + 1])
        return self._page(rows[:PAGE], has_before=place is not None, has_after=len(rows) > PAGE)

    def _page(self, rows: list[Row], *, has_before: bool, has_after: bool) -> Page[Row]:
        return Page(
            rows,
            before=self._pack(rows[0]) if rows and has_before else None,
            after=self._pack(rows[-1]) if rows and has_after else None,
        )

    def _ordered(self, *, backwards: bool, place: list[Any] | None) -> QuerySet[Row]:
        name, downwards = self.sort
        falls = downwards is not backwards
        column = self.sorts[name]
        ordered = self.queryset.order_by(f"{'-' if falls else ''}{column}", f"{'-' if falls else ''}pk")
        if place is None:
            return ordered
        try:
            return ordered.filter(_beyond(column, place, "lt" if falls else "gt"))
        except (ValidationError, ValueError, TypeError):
            return ordered

    def _pack(self, row: Row) -> str:
        place = [getattr(row, self.sorts[self.sort[0]]), str(row.pk)]
        text = json.dumps(place, cls=_PlaceEncoder)
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def show_list(
    request: HttpRequest, page: str, listing: Listing[Any], *, part: str, **context: Any
) -> HttpResponseBase:
    """A page with a list, the list alone for htmx, or all of its rows as a file where the URL asks for one."""
    return listing.file() or show(request, page, {"listing": listing, **context}, part=part)


class _PlaceEncoder(DjangoJSONEncoder):
    """Keeps the microseconds that Django's encoder would cut off: rows made in one millisecond are many."""

    def default(self, o: Any) -> Any:
        if isinstance(o, datetime):
            return o.isoformat()
        return str(o) if isinstance(o, Decimal) else super().default(o)


def words_of(request: HttpRequest) -> str:
    """What is searched for, in a form that the database takes."""
    return request.GET.get("q", "").replace("\0", "").strip()[:100]


def _beyond(column: str, place: list[Any], side: str) -> Q:
    # The first condition alone lets the index jump to the place.
    value, key = place
    strictly = Q(**{f"{column}__{side}": value}) | Q(**{f"pk__{side}": key})
    return Q(**{f"{column}__{side}e": value}) & strictly


def _unpack(text: str | None) -> list[Any] | None:
    """The place that a page begins at; None for none, and for one that was typed by hand."""
    if not text:
        return None
    try:
        place = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return None
    return place if isinstance(place, list) and len(place) == 2 else None

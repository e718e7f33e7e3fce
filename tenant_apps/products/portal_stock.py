"""Pages of stock: what lies where, locations, transfers, counts and the ledger of all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenant_apps.products.counts import apply_count, cancel_count, enter_counts, open_count
from tenant_apps.products.locations import (
    archive_location,
    create_location,
    restore_location,
    update_location,
)
from tenant_apps.products.models import Location, Product, StockDocument, StockDocumentLine, StockMovement
from tenant_apps.products.portal import search_products
from tenant_apps.products.sheets import LEVELS, MOVEMENTS, STOCK
from tenant_apps.products.stock_forms import (
    ArrivalForm,
    CountForm,
    LocationForm,
    MovementFilterForm,
    NewLocationForm,
    ScanForm,
    StatusFilterForm,
    StockFilterForm,
    TransferForm,
)
from tenant_apps.products.transfers import (
    cancel_transfer,
    create_transfer,
    receive_transfer,
    send_transfer,
    set_transfer_lines,
)
from tenants.audit.actors import actor_of
from tenants.listing import Listing, Tab, show_list
from tenants.navigation import Command, Entry, register, register_command
from tenants.portal import PortalRequest, attempt, done, portal, posted, show, show_form, tried

register_command(Command("New transfer", "products:transfer_new", "stock:write", order=40))
register_command(Command("New stock count", "products:count_new", "stock:write", order=50))
register(Entry("Stock", "truck", "products:stock", "stock:read", key="s", order=35, prefix="/stock/"))

TABS: Final = [
    ("Overview", "products:stock"),
    ("Transfers", "products:transfers"),
    ("Counts", "products:counts"),
    ("Locations", "products:locations"),
    ("Movements", "products:movements"),
]


def stock_tabs(request: PortalRequest) -> list[Tab]:
    """The pages of stock beside each other."""
    urls = [(label, reverse(route)) for label, route in TABS]
    here = [url for _, url in urls if request.path.startswith(url)]
    return [Tab(label, url, url == max(here, key=len, default="")) for label, url in urls]


class StockListing(Listing[Product]):
    """Goods with their stock, in all or at one location."""

    noun = ("product", "products")
    sheets = (STOCK, LEVELS)
    form_class = StockFilterForm
    sorts = {"sku": "sku", "name": "name"}
    default_sort = "sku"

    def filter(self, queryset: QuerySet[Product], chosen: Mapping[str, Any]) -> QuerySet[Product]:
        place = chosen.get("location")
        queryset = queryset.filter(levels__location=place) if place else queryset
        prefix = "levels__" if place else ""
        here = {"here_on_hand": F(f"{prefix}on_hand"), "here_reserved": F(f"{prefix}reserved")}
        queryset = queryset.annotate(**here, here_available=here["here_on_hand"] - here["here_reserved"])
        if category := chosen.get("category"):
            queryset = queryset.filter(category=category)
        if chosen.get("stock") == "low":
            queryset = queryset.filter(low_since__isnull=False)
        elif chosen.get("stock") == "out":
            queryset = queryset.filter(here_available__lte=0)
        return search_products(queryset, chosen.get("q", ""))


@portal("stock:read")
@require_GET
def stock(request: PortalRequest) -> HttpResponseBase:
    """What is there of all goods."""
    listing = StockListing(request, Product.objects.stocked().live())
    return show_list(
        request,
        "products/stock/list.html",
        listing,
        part="products/stock/results.html",
        tabs=stock_tabs(request),
    )


class MovementListing(Listing[StockMovement]):
    """Movements of all products, the newest first."""

    noun = ("movement", "movements")
    sheets = (MOVEMENTS,)
    form_class = MovementFilterForm
    sorts = {"at": "at"}
    default_sort = "-at"

    def filter(self, queryset: QuerySet[StockMovement], chosen: Mapping[str, Any]) -> QuerySet[StockMovement]:
        wanted = {name: chosen[name] for name in ("location", "reason") if chosen.get(name)}
        return queryset.filter(**wanted)


@portal("stock:read")
@require_GET
def movements(request: PortalRequest) -> HttpResponseBase:
    """The ledger of all stock."""
    listing = MovementListing(request, StockMovement.objects.select_related("product", "location"))
    return show_list(
        request,
        "products/stock/movements.html",
        listing,
        part="products/stock/movement_results.html",
        tabs=stock_tabs(request),
    )


# Locations


class LocationListing(Listing[Location]):
    """Locations by their codes."""

    noun = ("location", "locations")
    sorts = {"code": "code", "name": "name"}
    default_sort = "code"


@portal("stock:read")
@require_GET
def locations(request: PortalRequest) -> HttpResponse:
    """The places that stock lies at."""
    context = {"listing": LocationListing(request, Location.objects.all()), "tabs": stock_tabs(request)}
    return render(request, "products/stock/locations.html", context)


@portal("stock:read")
@require_GET
def location(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One location: what it is, and the documents that begin or end there."""
    place = get_object_or_404(Location, pk=pk)
    here = StockDocument.objects.open().filter(Q(location=place) | Q(destination=place))
    stocked = place.levels.filter(on_hand__gt=0).count()
    context = {"location": place, "documents": here[:20], "stocked": stocked}
    return render(request, "products/stock/location.html", context)


@portal("stock:write")
@require_http_methods(["GET", "POST"])
def location_new(request: PortalRequest) -> HttpResponse:
    """Add a location."""
    form = NewLocationForm(posted(request))
    if form.is_valid():
        made = attempt(form, lambda: create_location(actor=actor_of(request), **form.given))
        if made:
            return done(request, "products:location", f"{made.name} is added.", pk=made.pk)
    action = reverse("products:location_new")
    return show_form(request, "products/stock/location_form.html", {"form": form, "action": action})


@portal("stock:write")
@require_http_methods(["GET", "POST"])
def location_edit(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Change a location's name and address."""
    place = get_object_or_404(Location, pk=pk)
    form = LocationForm(posted(request), initial={"name": place.name, "address_lines": place.address})
    if form.is_valid():
        given = form.given
        if attempt(form, lambda: update_location(actor=actor_of(request), location=place, **given)):
            return done(request, "products:location", "The location is saved.", pk=pk)
    context = {"form": form, "location": place, "action": reverse("products:location_edit", args=[pk])}
    return show_form(request, "products/stock/location_form.html", context)


@portal("stock:write")
@require_POST
def location_default(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Make a location the one that is meant when none is named."""
    place = get_object_or_404(Location, pk=pk)
    said = f"{place.name} is the default location now."
    tried(request, lambda: update_location(actor=actor_of(request), location=place, is_default=True), said)
    return done(request, "products:location", pk=pk)


@portal("stock:write")
@require_POST
def location_archive(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Take an empty location out of use, or an archived one into use again."""
    place = get_object_or_404(Location, pk=pk)
    verb = restore_location if place.is_archived else archive_location
    said = f"{place.name} is {'in use again' if place.is_archived else 'archived'}."
    tried(request, lambda: verb(actor=actor_of(request), location=place), said)
    return done(request, "products:location", pk=pk)


# Transfers and counts: their lists


class DocumentListing(Listing[StockDocument]):
    """Transfers or counts by state, the newest first."""

    form_class = StatusFilterForm

    def filter(self, queryset: QuerySet[StockDocument], chosen: Mapping[str, Any]) -> QuerySet[StockDocument]:
        status = chosen.get("status")
        return queryset.filter(status=status) if status else queryset


class TransferListing(DocumentListing):
    """Transfers."""

    noun = ("transfer", "transfers")

    @property
    def tabs(self) -> list[Tab]:
        return self.tabs_of("status", StatusFilterForm.TRANSFERS)


class CountListing(DocumentListing):
    """Counts."""

    noun = ("count", "counts")

    @property
    def tabs(self) -> list[Tab]:
        return self.tabs_of("status", StatusFilterForm.COUNTS)


@portal("stock:read")
@require_GET
def transfers(request: PortalRequest) -> HttpResponse:
    """Stock on its way from one location to another."""
    rows = StockDocument.objects.transfers().select_related("location", "destination")
    context = {"listing": TransferListing(request, rows), "tabs": stock_tabs(request)}
    return render(request, "products/stock/transfers.html", context)


@portal("stock:read")
@require_GET
def counts(request: PortalRequest) -> HttpResponse:
    """Comparisons of the books with the shelves."""
    rows = StockDocument.objects.counts().select_related("location")
    context = {"listing": CountListing(request, rows), "tabs": stock_tabs(request)}
    return render(request, "products/stock/counts.html", context)


@portal("stock:write")
@require_http_methods(["GET", "POST"])
def transfer_new(request: PortalRequest) -> HttpResponse:
    """Say from where to where; the products are put on the draft afterwards."""
    form = TransferForm(posted(request))
    if form.is_valid():
        made = attempt(form, lambda: create_transfer(actor=actor_of(request), **form.cleaned_data))
        if made:
            return done(request, "products:transfer", pk=made.pk)
    return show_form(request, "products/stock/transfer_new.html", {"form": form})


@portal("stock:write")
@require_http_methods(["GET", "POST"])
def count_new(request: PortalRequest) -> HttpResponse:
    """Say where and what is counted."""
    form = CountForm(posted(request))
    if form.is_valid():
        made = attempt(form, lambda: open_count(actor=actor_of(request), **form.cleaned_data))
        if made:
            return done(request, "products:count", pk=made.pk)
    return show_form(request, "products/stock/count_new.html", {"form": form})


# One transfer or count, and its lines


class LineListing(Listing[StockDocumentLine]):
    """The lines of a document, in the order in which they came."""

    noun = ("line", "lines")
    sorts = {"created": "created_at"}
    default_sort = "created"


def _transfer(pk: UUID) -> StockDocument:
    rows = StockDocument.objects.transfers().select_related("location", "destination")
    return get_object_or_404(rows, pk=pk)


def _count(pk: UUID) -> StockDocument:
    return get_object_or_404(StockDocument.objects.counts().select_related("location"), pk=pk)


def _page(request: PortalRequest, document: StockDocument, sent: ScanForm | None = None) -> HttpResponse:
    """The page of a document; the lines alone where htmx has sent one."""
    lines = LineListing(request, document.lines.select_related("product"))
    refused = sent is not None and bool(sent.errors)
    form = sent if sent and refused else ScanForm()
    context = {"document": document, "listing": lines, "form": form, "noted": None if refused else sent}
    response = show(request, PAGES[document.kind], context, part="products/stock/lines.html")
    response.status_code = 422 if refused else 200
    return response


PAGES: Final = {"transfer": "products/stock/transfer.html", "count": "products/stock/count.html"}


@portal("stock:read")
@require_GET
def transfer(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One transfer with its lines."""
    return _page(request, _transfer(pk))


@portal("stock:read")
@require_GET
def count(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One count with its lines."""
    return _page(request, _count(pk))


@portal("stock:write")
@require_POST
def transfer_scan(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Put a product on a draft by its SKU; without a number, one more of it."""
    document = _transfer(pk)
    write = partial(set_transfer_lines, actor=actor_of(request), transfer=document)
    return _scanned(request, document, write)


@portal("stock:write")
@require_POST
def count_scan(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Note what was found of a product by its SKU; without a number, one more of it."""
    document = _count(pk)
    write = partial(enter_counts, actor=actor_of(request), count=document)
    return _scanned(request, document, write)


def _scanned(
    request: PortalRequest, document: StockDocument, write: Callable[..., StockDocument]
) -> HttpResponse:
    form = ScanForm(request.POST)
    if form.is_valid():
        form.noted = form.line(document)
        attempt(form, lambda: write(lines=[form.noted]))
    if request.htmx or form.errors:
        return _page(request, document, form)
    return done(request, f"products:{document.kind}", pk=document.pk)


@portal("stock:write")
@require_POST
def transfer_move(request: PortalRequest, pk: UUID, move: str) -> HttpResponse:
    """Send, book everything as arrived, or cancel."""
    if move not in TRANSFER_MOVES:
        raise Http404(f"A transfer has no move {move!r}.")
    document, (verb, said) = _transfer(pk), TRANSFER_MOVES[move]
    tried(request, lambda: verb(actor=actor_of(request), transfer=document), said)
    return done(request, "products:transfer", pk=pk)


TRANSFER_MOVES: Final[dict[str, tuple[Callable[..., StockDocument], str]]] = {
    "send": (send_transfer, "The goods have left."),
    "arrive": (receive_transfer, "Everything has arrived."),
    "cancel": (cancel_transfer, "The transfer is cancelled."),
}


@portal("stock:write")
@require_http_methods(["GET", "POST"])
def transfer_receive(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Book what arrived, line by line; what is missing is lost, or still awaited."""
    document = _transfer(pk)
    form = ArrivalForm(posted(request), document=document)
    if form.is_valid():
        given = {
            "lines": form.lines,
            "complete": form.cleaned_data["complete"],
            "note": form.cleaned_data["note"],
        }
        if attempt(form, lambda: receive_transfer(actor=actor_of(request), transfer=document, **given)):
            return done(request, "products:transfer", "What arrived is booked.", pk=pk)
    return show_form(request, "products/stock/receive.html", {"form": form, "document": document})


@portal("stock:write")
@require_POST
def count_move(request: PortalRequest, pk: UUID, move: str) -> HttpResponse:
    """Apply the differences, or give the count up."""
    if move not in COUNT_MOVES:
        raise Http404(f"A count has no move {move!r}.")
    document, (verb, said) = _count(pk), COUNT_MOVES[move]
    tried(request, lambda: verb(actor=actor_of(request), count=document), said)
    return done(request, "products:count", pk=pk)


COUNT_MOVES: Final[dict[str, tuple[Callable[..., StockDocument], str]]] = {
    "apply": (apply_count, "The books say what was counted."),
    "cancel": (cancel_count, "The count is cancelled; the books stay as they were."),
}

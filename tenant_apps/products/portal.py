"""Pages of products and their stock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, Final
from uuid import UUID

from django.db.models import F, QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.functional import cached_property
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenant_apps.products import services, sheets
from tenant_apps.products.catalog_forms import VariantForm
from tenant_apps.products.forms import (
    AdjustForm,
    NewProductForm,
    ProductFilterForm,
    ProductForm,
    ReceiveForm,
)
from tenant_apps.products.images import gallery, thumbs
from tenant_apps.products.models import Product, StockMovement
from tenant_apps.products.searching import PRODUCTS
from tenants.audit.actors import actor_of
from tenants.listing import Listing, Tab, show_list, words_of
from tenants.navigation import Command, Entry, register, register_command
from tenants.portal import PortalRequest, attempt, done, portal, posted, show_form, tried

SUGGESTIONS: Final = 8
MOVEMENTS_ON_PAGE: Final = 12

register_command(Command("New product", "products:new", "products:write", order=20))
register(Entry("Products", "box", "products:list", "products:read", key="p", order=30, prefix="/products/"))


class ProductListing(Listing[Product]):
    """Products by state, category, stock and words."""

    noun = ("product", "products")
    sheets = (sheets.PRODUCTS,)
    form_class = ProductFilterForm
    sorts = {
        "created": "created_at",
        "name": "name",
        "sku": "sku",
        "price": "price",
        "stock": "on_hand",
        "relevance": "relevance",
    }

    def filter(self, queryset: QuerySet[Product], chosen: Mapping[str, Any]) -> QuerySet[Product]:
        products: Any = queryset
        status = chosen.get("status") or "live"
        products = products.live() if status == "live" else products.filter(status=status)
        if not chosen.get("q") and not chosen.get("stock"):
            # Variants show where they are looked for, or have a stock to look at.
            products = products.listed()
        for name, narrow in FILTERS.items():
            if value := chosen.get(name):
                products = narrow(products, value)
        words = chosen.get("q", "")
        # A file holds all that was found.
        ranked = not self.request.GET.keys() & {"sort", "download"}
        found: QuerySet[Product] = (PRODUCTS.rank if ranked else PRODUCTS.narrow)(products, words)
        return found

    @cached_property
    def sort(self) -> tuple[str, bool]:
        """What was searched for comes with the best first, unless another order is asked for."""
        if "relevance" in self.queryset.query.annotations:
            return "relevance", True
        name, falls = super().sort
        return (name, falls) if name != "relevance" else ("created", True)

    @property
    def rows(self) -> list[tuple[Product, str | None]]:
        """The products of the page, each with the address of its picture."""
        pictures = thumbs(self.page)
        return [(product, pictures.get(product.pk)) for product in self.page]

    @property
    def tabs(self) -> list[Tab]:
        return self.tabs_of("status", ProductFilterForm.STATUS)


STOCK_FILTERS: Final[dict[str, Callable[[Any], Any]]] = {
    "low": lambda products: products.low(),
    "out": lambda products: products.filter(kind=Product.Kind.GOODS, on_hand__lte=F("reserved")),
}
FILTERS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "category": lambda products, category: products.in_category(category.pk),
    "tag": lambda products, tag: products.filter(tags__contains=[tag.lower()]),
    "stock": lambda products, stock: STOCK_FILTERS[stock](products),
}


def search_products(products: QuerySet[Product], words: str) -> QuerySet[Product]:
    """Products that hold all the words, as the API finds them."""
    return PRODUCTS.narrow(products, words)


@portal("products:read")
@require_GET
def product_list(request: PortalRequest) -> HttpResponseBase:
    """The products, filtered by the URL."""
    listing = ProductListing(request, Product.objects.select_related("category"))
    return show_list(request, "products/list.html", listing, part="products/results.html")


@portal("products:read")
@require_GET
def product_options(request: PortalRequest) -> HttpResponse:
    """Suggestions for a field that takes a product."""
    found = search_products(Product.objects.active(), words_of(request)).order_by("name", "id")
    return render(request, "products/options.html", {"products": found[:SUGGESTIONS]})


@portal("products:read")
@require_GET
def product_detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One product, what is there of it, and how that came about."""
    product = get_object_or_404(Product.objects.select_related("category", "parent"), pk=pk)
    forms = (
        [VariantForm(None, each) for each in product.variants.order_by("created_at", "pk")]
        if product.is_parent
        else []
    )
    return show_product(request, product, forms=forms)


def show_product(
    request: PortalRequest,
    product: Product,
    *,
    forms: Sequence[VariantForm],
    refusals: Sequence[str] = (),
    status: int = 200,
) -> HttpResponse:
    """The page of a product, its variants in a table that can be written into."""
    movements = list(StockMovement.objects.of(product).select_related("location")[: MOVEMENTS_ON_PAGE + 1])
    context = {
        "product": product,
        "pictures": gallery(product),
        "forms": forms,
        "refusals": refusals,
        "missing": prod(len(option["values"]) for option in product.options or []) - len(forms),
        "levels": list(product.levels.select_related("location").order_by("location__code")),
        "movements": movements[:MOVEMENTS_ON_PAGE],
        "has_more": len(movements) > MOVEMENTS_ON_PAGE,
    }
    return render(request, "products/detail.html", context, status=status)


class LedgerListing(Listing[StockMovement]):
    """The stock ledger of one product."""

    noun = ("movement", "movements")
    sorts = {"at": "at"}
    default_sort = "-at"


@portal("stock:read")
@require_GET
def product_ledger(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Every movement of one product's stock, the newest first."""
    product = get_object_or_404(Product, pk=pk)
    listing = LedgerListing(request, StockMovement.objects.of(product).select_related("location"))
    return render(request, "products/ledger.html", {"product": product, "listing": listing})


@portal("products:write")
@require_http_methods(["GET", "POST"])
def product_new(request: PortalRequest) -> HttpResponse:
    """Add a product."""
    form = NewProductForm(
        posted(request), initial={"status": "active", "kind": "goods", "tax_class": "standard"}
    )
    if form.is_valid():
        fields = form.cleaned_data | {"opening_stock": form.cleaned_data["opening_stock"] or 0}
        product = attempt(form, lambda: services.create_product(actor=actor_of(request), **fields))
        if product:
            return done(request, "products:detail", f"{product.name} is added.", pk=product.pk)
    return show_form(request, "products/new.html", {"form": form, "currency": request.tenant.currency})


@portal("products:write")
@require_http_methods(["GET", "POST"])
def product_edit(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Change a product."""
    product = get_object_or_404(Product, pk=pk)
    form = ProductForm(posted(request), initial=ProductForm.initial_of(product))
    if not product.is_stocked:
        del form.fields["low_stock_at"]
    if product.is_variant:
        form.allow_inherited(product)
    if product.status == Product.Status.ARCHIVED:
        form.allow_archived()
    if form.is_valid():
        changes = form.cleaned_data
        if attempt(
            form, lambda: services.update_product(actor=actor_of(request), product=product, **changes)
        ):
            return done(request, "products:detail", "The product is saved.", pk=product.pk)
    return show_form(
        request, "products/edit.html", {"form": form, "product": product, "currency": product.currency}
    )


@portal("products:write")
@require_http_methods(["GET", "POST"])
def product_archive(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask, then take the product out of sale."""
    product = get_object_or_404(Product, pk=pk)
    if request.method == "POST":
        tried(
            request,
            lambda: services.archive_product(actor=actor_of(request), product=product),
            f"{product.name} is archived.",
        )
        return done(request, "products:detail", pk=pk)
    return render(request, "products/archive.html", {"product": product})


@portal("products:write")
@require_POST
def product_restore(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Put an archived product back on sale."""
    product = get_object_or_404(Product, pk=pk)
    tried(
        request,
        lambda: services.restore_product(actor=actor_of(request), product=product),
        f"{product.name} can be ordered again.",
    )
    return done(request, "products:detail", pk=pk)


@portal("stock:write")
@require_http_methods(["GET", "POST"])
def stock_receive(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Book goods that arrived."""
    product = get_object_or_404(Product, pk=pk)
    form = ReceiveForm(posted(request))
    if form.is_valid():
        given = form.cleaned_data
        if attempt(form, lambda: services.receive_stock(actor=actor_of(request), product=product, **given)):
            return done(request, "products:detail", f"{given['quantity']:,} received.", pk=pk)
    return show_form(request, "products/receive.html", {"form": form, "product": product})


@portal("stock:write")
@require_http_methods(["GET", "POST"])
def stock_adjust(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Correct the books to a count."""
    product = get_object_or_404(Product, pk=pk)
    form = AdjustForm(posted(request))
    if "location" not in form.fields:
        form.initial["counted"] = product.on_hand
    if form.is_valid():
        given = form.cleaned_data
        if attempt(form, lambda: services.adjust_stock(actor=actor_of(request), product=product, **given)):
            return done(request, "products:detail", f"The books now say {given['counted']:,}.", pk=pk)
    return show_form(request, "products/adjust.html", {"form": form, "product": product})

"""Pages of products, their categories and their stock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.db.models import F, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenant_apps.products import services
from tenant_apps.products.forms import (
    AdjustForm,
    CategoryForm,
    NewProductForm,
    ProductFilterForm,
    ProductForm,
    ReceiveForm,
)
from tenant_apps.products.models import Category, Product, StockMovement
from tenant_apps.products.searching import PRODUCTS
from tenants.audit.actors import actor_of
from tenants.listing import Listing, Tab, words_of
from tenants.navigation import Entry, register
from tenants.portal import PortalRequest, attempt, done, portal, posted, show, show_form, tried

SUGGESTIONS: Final = 8
MOVEMENTS_ON_PAGE: Final = 12

register(Entry("Products", "box", "products:list", "products:read", key="p", order=30, prefix="/products/"))


class ProductListing(Listing[Product]):
    """Products by state, category, stock and words."""

    noun = ("product", "products")
    form_class = ProductFilterForm
    sorts = {
        "created": "created_at",
        "name": "name",
        "sku": "sku",
        "price": "price",
        "stock": "on_hand",
    }

    def filter(self, queryset: QuerySet[Product], chosen: Mapping[str, Any]) -> QuerySet[Product]:
        status = chosen.get("status") or "live"
        queryset = queryset.live() if status == "live" else queryset.filter(status=status)  # type: ignore[attr-defined]
        if category := chosen.get("category"):
            queryset = queryset.filter(category=category)
        if stock := chosen.get("stock"):
            queryset = STOCK_FILTERS[stock](queryset)
        return search_products(queryset, chosen.get("q", ""))

    @property
    def tabs(self) -> list[Tab]:
        return self.tabs_of("status", ProductFilterForm.STATUS)


STOCK_FILTERS: Final = {
    "low": lambda products: products.low(),
    "out": lambda products: products.filter(kind=Product.Kind.GOODS, on_hand__lte=F("reserved")),
}


def search_products(products: QuerySet[Product], words: str) -> QuerySet[Product]:
    """Products that hold all the words, as the API finds them."""
    return PRODUCTS.narrow(products, words)


@portal("products:read")
@require_GET
def product_list(request: PortalRequest) -> HttpResponse:
    """The products, filtered by the URL."""
    listing = ProductListing(request, Product.objects.select_related("category"))
    return show(request, "products/list.html", {"listing": listing}, part="products/results.html")


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
    product = get_object_or_404(Product.objects.select_related("category"), pk=pk)
    movements = list(StockMovement.objects.of(product).select_related("location")[: MOVEMENTS_ON_PAGE + 1])
    return render(
        request,
        "products/detail.html",
        {
            "product": product,
            "levels": list(product.levels.select_related("location").order_by("location__code")),
            "movements": movements[:MOVEMENTS_ON_PAGE],
            "has_more": len(movements) > MOVEMENTS_ON_PAGE,
        },
    )


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
    form = NewProductForm(posted(request), initial={"status": "active", "kind": "goods"})
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
        lambda: services.update_product(actor=actor_of(request), product=product, status="active"),
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


class CategoryListing(Listing[Category]):
    """Categories by name."""

    noun = ("category", "categories")
    sorts = {"name": "name"}
    default_sort = "name"


@portal("products:read")
@require_GET
def categories(request: PortalRequest) -> HttpResponse:
    """The categories."""
    listing = CategoryListing(request, Category.objects.all())
    return render(request, "products/categories.html", {"listing": listing})


@portal("products:write")
@require_http_methods(["GET", "POST"])
def category_new(request: PortalRequest) -> HttpResponse:
    """Add a category."""
    form = CategoryForm(posted(request))
    if form.is_valid():
        category = attempt(
            form, lambda: services.create_category(actor=actor_of(request), **form.cleaned_data)
        )
        if category:
            return done(request, "products:categories", f"The category {category.name} is added.")
    return show_form(
        request, "products/category_form.html", {"form": form, "action": reverse("products:category_new")}
    )


@portal("products:write")
@require_http_methods(["GET", "POST"])
def category_edit(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Rename a category."""
    category = get_object_or_404(Category, pk=pk)
    form = CategoryForm(posted(request), initial={"name": category.name})
    if form.is_valid():
        given = form.cleaned_data
        if attempt(
            form, lambda: services.update_category(actor=actor_of(request), category=category, **given)
        ):
            return done(request, "products:categories", "The category is renamed.")
    action = reverse("products:category_edit", args=[pk])
    return show_form(
        request, "products/category_form.html", {"form": form, "category": category, "action": action}
    )


@portal("products:write")
@require_http_methods(["GET", "POST"])
def category_delete(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask, then delete a category that no product uses."""
    category = get_object_or_404(Category, pk=pk)
    if request.method == "POST":
        tried(
            request,
            lambda: services.delete_category(actor=actor_of(request), category=category),
            f"The category {category.name} is deleted.",
        )
        return done(request, "products:categories")
    return render(request, "products/category_delete.html", {"category": category})

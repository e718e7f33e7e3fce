"""Pages of the options of a product and of its variants."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods, require_POST

from tenant_apps.products import services
from tenant_apps.products.catalog_forms import NewVariantForm, OptionsForm, VariantForm
from tenant_apps.products.models import Product
from tenant_apps.products.portal import show_product
from tenant_apps.products.variants import generate_variants, set_options, update_variants
from tenants.audit.actors import actor_of
from tenants.errors import DomainError
from tenants.portal import PortalRequest, attempt, done, portal, posted, show_form, tried


@portal("products:write")
@require_http_methods(["GET", "POST"])
def options(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Say in what the variants of a product differ."""
    product = get_object_or_404(Product, pk=pk)
    form = OptionsForm(posted(request), product=product)
    if form.is_valid():
        given = form.cleaned_data
        if attempt(form, lambda: set_options(actor=actor_of(request), product=product, **given)):
            return done(request, "products:detail", "The options are saved.", pk=pk)
    return show_form(request, "products/options_form.html", {"form": form, "product": product})


@portal("products:write")
@require_POST
def generate(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Make every variant that the options allow and that is not there yet."""
    product = get_object_or_404(Product, pk=pk)
    tried(
        request,
        lambda: generate_variants(actor=actor_of(request), product=product),
        "All variants are there.",
    )
    return done(request, "products:detail", pk=pk)


@portal("products:write")
@require_http_methods(["GET", "POST"])
def variant_new(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Make one variant."""
    product = get_object_or_404(Product, pk=pk)
    form = NewVariantForm(posted(request), product=product)
    if form.is_valid():
        given: Any = form.cleaned_data
        variant = attempt(
            form, lambda: services.create_product(actor=actor_of(request), parent=product, **given)
        )
        if variant:
            return done(request, "products:detail", f"{variant.name} is added.", pk=pk)
    return show_form(request, "products/variant_form.html", {"form": form, "product": product})


@portal("products:write")
@require_POST
def variants(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Save what was changed in the table of variants: all of it, or nothing."""
    product = get_object_or_404(Product, pk=pk)
    forms = _sent(product, request.POST)
    refusals = [str(error) for form in forms for errors in form.errors.values() for error in errors]
    if not refusals:
        rows: Any = {form.variant.pk: form.cleaned_data for form in forms if form.has_changed()}
        try:
            update_variants(actor=actor_of(request), product=product, rows=rows)
            return done(request, "products:detail", f"{len(rows):,} variants are saved.", pk=pk)
        except DomainError as refusal:
            refusals = [refusal.detail]
    return show_product(request, product, forms=forms, refusals=refusals, status=422)


def _sent(product: Product, data: QueryDict) -> list[VariantForm]:
    """A form for each variant; one that was made while the page was open is left as it is."""
    found = Product.objects.variants_of(product)
    return [VariantForm(data if f"{variant.pk}-sku" in data else None, variant) for variant in found]

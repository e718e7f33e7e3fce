"""Pages of the pictures of a product."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST

from tenant_apps.products.catalog_forms import ImageForm, ImageUploadForm
from tenant_apps.products.images import (
    MOST_IMAGES,
    add_image,
    change_image,
    gallery,
    image_path,
    remove_image,
)
from tenant_apps.products.models import Image, Product
from tenants.audit.actors import actor_of
from tenants.portal import PortalRequest, attempt, done, portal, posted, show_form, tried


@portal("products:write")
@require_http_methods(["GET", "POST"])
def images(request: PortalRequest, pk: UUID) -> HttpResponse:
    """The pictures of a product, and a place to drop another."""
    product = get_object_or_404(Product, pk=pk)
    form = ImageUploadForm(posted(request), request.FILES or None)
    if form.is_valid():
        given = form.cleaned_data
        if attempt(form, lambda: add_image(actor=actor_of(request), product=product, **given)):
            return done(request, "products:images", "The picture is added.", pk=pk)
    pictures = [shown for shown in gallery(product) if shown.image.product_id == product.pk]
    context = {
        "product": product,
        "pictures": pictures,
        "form": form,
        "is_full": len(pictures) >= MOST_IMAGES,
    }
    return show_form(request, "products/images.html", context)


@portal("products:write")
@require_POST
def image(request: PortalRequest, pk: UUID, image_id: UUID) -> HttpResponse:
    """Say what a picture shows, or give it another place."""
    picture = get_object_or_404(Image, pk=image_id, product=pk)
    form = ImageForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        tried(
            request,
            lambda: change_image(actor=actor_of(request), image=picture, **given),
            "The picture is saved.",
        )
    for errors in form.errors.values():
        messages.error(request, str(errors[0]))
    return done(request, "products:images", pk=pk)


@portal("products:write")
@require_http_methods(["GET", "POST"])
def image_remove(request: PortalRequest, pk: UUID, image_id: UUID) -> HttpResponse:
    """Ask, then take a picture away."""
    picture = get_object_or_404(Image.objects.select_related("product"), pk=image_id, product=pk)
    if request.method == "POST":
        tried(
            request,
            lambda: remove_image(actor=actor_of(request), image=picture),
            "The picture is removed.",
        )
        return done(request, "products:images", pk=pk)
    context = {"image": picture, "product": picture.product, "thumb": image_path(picture, 320)}
    return render(request, "products/image_remove.html", context)

"""Pages of the tree of categories."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from tenant_apps.products import services
from tenant_apps.products.forms import CategoryForm
from tenant_apps.products.models import Category
from tenant_apps.products.tree import tree_of
from tenants.audit.actors import actor_of
from tenants.portal import PortalRequest, attempt, done, portal, posted, show_form, tried


@portal("products:read")
@require_GET
def categories(request: PortalRequest) -> HttpResponse:
    """The categories as a tree."""
    return render(request, "products/categories.html", {"shelves": tree_of(Category.objects.all())})


@portal("products:write")
@require_http_methods(["GET", "POST"])
def category_new(request: PortalRequest, below: UUID | None = None) -> HttpResponse:
    """Add a category, at the root or below another."""
    parent = get_object_or_404(Category, pk=below) if below else None
    form = CategoryForm(posted(request), initial={"parent": parent and parent.pk})
    if form.is_valid():
        given = form.cleaned_data
        category = attempt(form, lambda: services.create_category(actor=actor_of(request), **given))
        if category:
            return done(request, "products:categories", f"The category {category.name} is added.")
    return _show(request, form)


@portal("products:write")
@require_http_methods(["GET", "POST"])
def category_edit(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Rename a category, or move it with all that stands below it."""
    category = get_object_or_404(Category, pk=pk)
    initial = {"name": category.name, "parent": category.parent_id}
    form = CategoryForm(posted(request), initial=initial, category=category)
    if form.is_valid():
        given = form.cleaned_data
        if attempt(
            form, lambda: services.update_category(actor=actor_of(request), category=category, **given)
        ):
            return done(request, "products:categories", f"The category {given['name']} is saved.")
    return _show(request, form, category)


def _show(request: PortalRequest, form: CategoryForm, category: Category | None = None) -> HttpResponse:
    page = "products/category_form.html"
    action = (
        reverse("products:category_edit", args=[category.pk])
        if category
        else reverse("products:category_new")
    )
    return show_form(request, page, {"form": form, "category": category, "action": action})


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

"""One change for many products: chosen in the list, asked about in a dialog, taken back from a toast."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from tenant_apps.products.catalog_forms import EditForm, chosen_of
from tenant_apps.products.edits import Edited, edit_products, undo_edit
from tenants.audit.actors import actor_of
from tenants.portal import PortalRequest, attempt, done, go, portal, show_form, tried


@portal("products:write")
@require_http_methods(["GET", "POST"])
def edit(request: PortalRequest) -> HttpResponse:
    """Ask what to change of the chosen products, then change it."""
    chosen = chosen_of(request.POST)
    if not chosen:
        messages.error(request, "Choose at least one product first.")
        return go(request, _list(request.POST.get("back", "")))
    form = (
        EditForm(request.POST) if "apply" in request.POST else EditForm(initial=_asked(request.POST, chosen))
    )
    if form.is_bound and form.is_valid():
        products, change = form.cleaned_data["products"], form.change
        edited = attempt(
            form, lambda: edit_products(actor=actor_of(request), products=products, change=change)
        )
        if edited:
            _tell(request, edited, len(products))
            return go(request, _list(form.cleaned_data["back"]))
    return show_form(request, "products/bulk.html", {"form": form, "count": len(chosen)})


@portal("products:write")
@require_POST
def undo(request: PortalRequest, word: str) -> HttpResponse:
    """Take a change back."""
    tried(
        request,
        lambda: undo_edit(actor=actor_of(request), undo=word),
        "The change is taken back from all that nobody has changed since.",
    )
    return done(request, "products:list")


def _asked(data: QueryDict, chosen: list[str]) -> dict[str, object]:
    return {"products": chosen, "back": data.get("back", ""), "status": data.get("status", "")}


def _tell(request: PortalRequest, edited: Edited, asked: int) -> None:
    count = "1 product is" if edited.changed == 1 else f"{edited.changed:,} products are"
    variants = ", variants among them" if edited.changed > asked else ""
    way_back = reverse("products:undo", args=[edited.undo]) if edited.undo else ""
    messages.success(request, f"{count} changed{variants}.", extra_tags=way_back)


def _list(query: str) -> str:
    """The list as it was."""
    return f"{reverse('products:list')}?{QueryDict(query).urlencode()}".rstrip("?")

"""Dialogs of a customer: addresses, notes, merging and erasing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST

from tenant_apps.orders.customers import addresses, erasing, merging
from tenant_apps.orders.customers import notes as notebook
from tenant_apps.orders.customers.forms import AddressForm, EraseForm, MergeForm, NoteForm
from tenant_apps.orders.customers.models import Address, Customer, CustomerNote
from tenants.audit.actors import actor_of
from tenants.portal import PortalRequest, attempt, done, portal, posted, show_form, tried


@portal("customers:write")
@require_http_methods(["GET", "POST"])
def address_new(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Add an address."""
    customer = get_object_or_404(Customer, pk=pk)
    form = AddressForm(posted(request), initial={"is_default": True})
    if form.is_valid():
        fields: Any = form.cleaned_data
        if attempt(form, lambda: addresses.add_address(actor=actor_of(request), customer=customer, **fields)):
            return done(request, "orders:customer", "The address is added.", pk=pk)
    return show_form(request, "orders/customer_address.html", {"form": form, "customer": customer})


@portal("customers:write")
@require_http_methods(["GET", "POST"])
def address_edit(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Change an address."""
    address = get_object_or_404(Address.objects.select_related("customer"), pk=pk)
    form = AddressForm(posted(request), initial=AddressForm.initial_of(address))
    if form.is_valid():
        changes: Any = form.cleaned_data
        if attempt(
            form, lambda: addresses.change_address(actor=actor_of(request), address=address, **changes)
        ):
            return done(request, "orders:customer", "The address is saved.", pk=address.customer_id)
    context = {"form": form, "customer": address.customer, "address": address}
    return show_form(request, "orders/customer_address.html", context)


@portal("customers:write")
@require_POST
def address_remove(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Remove an address."""
    address = get_object_or_404(Address.objects.select_related("customer"), pk=pk)
    tried(
        request,
        lambda: addresses.remove_address(actor=actor_of(request), address=address),
        "The address is removed.",
    )
    return done(request, "orders:customer", pk=address.customer_id)


@portal("customers:write")
@require_http_methods(["GET", "POST"])
def note_new(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Write something down about a customer."""
    customer = get_object_or_404(Customer, pk=pk)
    form = NoteForm(posted(request))
    if form.is_valid():
        text = form.cleaned_data["text"]
        if attempt(form, lambda: notebook.add_note(actor=actor_of(request), customer=customer, text=text)):
            return done(request, "orders:customer", "The note is kept.", pk=pk)
    return show_form(request, "orders/customer_note.html", {"form": form, "customer": customer})


@portal("customers:write")
@require_POST
def note_remove(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Take a note away."""
    note = get_object_or_404(CustomerNote, pk=pk)
    tried(request, lambda: notebook.remove_note(actor=actor_of(request), note=note), "The note is removed.")
    return redirect("orders:customer", pk=note.customer_id)


@portal("customers:write")
@require_http_methods(["GET", "POST"])
def customer_merge(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask which duplicate to merge into the customer, then do it for good."""
    customer = get_object_or_404(Customer, pk=pk)
    form = MergeForm(posted(request))
    if form.is_valid():
        duplicate = form.cleaned_data["duplicate"]
        actor = actor_of(request)
        if attempt(
            form,
            lambda: merging.merge_customers(actor=actor, survivor=customer, duplicate=duplicate),
        ):
            return done(request, "orders:customer", f"{duplicate.name} is merged into this customer.", pk=pk)
    return show_form(request, "orders/customer_merge.html", {"form": form, "customer": customer})


@portal("customers:write")
@require_http_methods(["GET", "POST"])
def customer_erase(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Say what goes and what stays, have the name typed, then erase the customer for ever."""
    customer = get_object_or_404(Customer, pk=pk)
    form = EraseForm(posted(request))
    if form.is_valid():
        name, actor = form.cleaned_data["name"], actor_of(request)
        if attempt(form, lambda: erasing.erase_customer(actor=actor, customer=customer, name=name)):
            return done(request, "orders:customer", "The customer is erased.", pk=pk)
    context = {"form": form, "customer": customer, "kept": erasing.kept_of(customer)}
    return show_form(request, "orders/customer_erase.html", context)

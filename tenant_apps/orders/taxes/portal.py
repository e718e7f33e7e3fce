"""Pages of taxes, among the settings."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from tenant_apps.orders.models import TaxRule, TaxSettings
from tenant_apps.orders.taxes.forms import TaxRuleForm, TaxSettingsForm
from tenant_apps.orders.taxes.services import (
    create_tax_rule,
    delete_tax_rule,
    update_tax_rule,
    update_tax_settings,
)
from tenants.audit.actors import actor_of
from tenants.formats import today
from tenants.navigation import Section, register_settings
from tenants.portal import PortalRequest, attempt, done, portal, posted, show_form, tried

register_settings(Section("Taxes", "orders:taxes", "taxes:manage", order=30))


@portal("taxes:manage")
@require_http_methods(["GET", "POST"])
def taxes(request: PortalRequest) -> HttpResponse:
    """The rules, and how tax is reckoned."""
    form = TaxSettingsForm(posted(request), initial=TaxSettingsForm.initial_of(TaxSettings.objects.get()))
    if form.is_valid():
        changes = form.cleaned_data
        if attempt(form, lambda: update_tax_settings(actor=actor_of(request), **changes)):
            return done(request, "orders:taxes", "Saved for orders that are written from now on.")
    return show_form(request, "orders/taxes.html", {"form": form, "rules": list(TaxRule.objects.all())})


@portal("taxes:manage")
@require_http_methods(["GET", "POST"])
def tax_rule_new(request: PortalRequest) -> HttpResponse:
    """Add a rule."""
    form = TaxRuleForm(posted(request), initial={"valid_from": today().date()})
    if form.is_valid():
        fields = form.cleaned_data
        if attempt(form, lambda: create_tax_rule(actor=actor_of(request), **fields)):
            return done(request, "orders:taxes", "The rule is added.")
    return show_form(request, "orders/tax_rule.html", {"form": form})


@portal("taxes:manage")
@require_http_methods(["GET", "POST"])
def tax_rule_edit(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Change a rule, or take it away."""
    rule = get_object_or_404(TaxRule, pk=pk)
    if request.method == "POST" and "remove" in request.POST:
        actor = actor_of(request)
        tried(request, lambda: delete_tax_rule(actor=actor, rule=rule), "The rule is removed.")
        return done(request, "orders:taxes")
    form = TaxRuleForm(posted(request), initial=TaxRuleForm.initial_of(rule))
    if form.is_valid():
        changes = form.cleaned_data
        if attempt(form, lambda: update_tax_rule(actor=actor_of(request), rule=rule, **changes)):
            return done(request, "orders:taxes", "The rule is changed.")
    return show_form(request, "orders/tax_rule.html", {"form": form, "rule": rule})

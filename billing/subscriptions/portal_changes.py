"""What owners and admins do with their plan in the portal: each page asks first, then calls one verb."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.accounts.contracts import Contract, State, contract_of
from billing.accounts.standings import FREE
from billing.models import Subscription
from billing.plans.catalogue import newest
from billing.subscriptions import services
from billing.subscriptions.acting import for_sale
from billing.subscriptions.forms import CancelForm, CodeForm, PreviewedForm, TaxIdForm
from billing.subscriptions.portal import AT_STRIPE, show_home
from billing.subscriptions.problems import StripeAway
from billing.subscriptions.to_stripe import leads_to_stripe
from tenants.audit.actors import actor_of
from tenants.forms import PortalForm
from tenants.portal import PortalRequest, attempt, done, go, portal, posted, show, show_form, tried


@leads_to_stripe
@portal("billing:manage")
@require_http_methods(["GET", "POST"])
def plan(request: PortalRequest, plan: str) -> HttpResponse:
    """Ask what a step to a plan means, then take it: subscribe, change, stay, or go on with Free."""
    contract = contract_of(request.tenant)
    if plan == FREE:
        return redirect("billing:cancel") if contract.is_bought else _free(request, contract)
    if not contract.is_bought:
        return _subscribe(request, contract, plan)
    return _stay(request, contract) if contract.has_to_stay(plan) else _change(request, contract, plan)


def _subscribe(request: PortalRequest, contract: Contract, plan: str) -> HttpResponse:
    version = for_sale(plan)
    form = PortalForm(posted(request))
    if form.is_valid():
        page = attempt(
            form,
            lambda: services.start_checkout(tenant=request.tenant, plan=plan, actor=actor_of(request)),
        )
        if page:
            return to_stripe(page.url)
    return show_form(
        request, "billing/subscribe.html", {"form": form, "contract": contract, "version": version}
    )


def _change(request: PortalRequest, contract: Contract, plan: str) -> HttpResponse:
    form = PreviewedForm(posted(request))
    if form.is_valid():
        token = form.cleaned_data["token"]
        changed = attempt(
            form,
            lambda: services.change_plan(
                tenant=request.tenant, plan=plan, token=token, actor=actor_of(request)
            ),
        )
        if changed:
            return done(request, "billing:home", _outcome(changed, newest(plan).name))
        if contract_of(request.tenant).pending_payment:
            return show_home(request, CodeForm())
    shown = services.preview_change(tenant=request.tenant, plan=plan)
    return show_form(request, "billing/change.html", {"form": form, "contract": contract, "preview": shown})


def _outcome(changed: Subscription, name: str) -> str:
    return f"{name} follows at the end of the period." if changed.pending_plan else f"You have {name} now."


def _stay(request: PortalRequest, contract: Contract) -> HttpResponse:
    form = PortalForm(posted(request))
    if form.is_valid():
        stayed = attempt(
            form, lambda: services.drop_pending_change(tenant=request.tenant, actor=actor_of(request))
        )
        if stayed:
            return done(request, "billing:home", f"You stay with {contract.version.name}.")
    return show_form(request, "billing/stay.html", {"form": form, "contract": contract})


def _free(request: PortalRequest, contract: Contract) -> HttpResponse:
    form = PortalForm(posted(request))
    if form.is_valid() and attempt(form, lambda: _on_free(request)):
        return done(request, "billing:home", "The workspace is on the Free plan.")
    context = {"form": form, "contract": contract, "version": newest(FREE)}
    return show_form(request, "billing/free.html", context)


def _on_free(request: PortalRequest) -> bool:
    services.continue_on_free(tenant=request.tenant, actor=actor_of(request))
    return True


@portal("billing:manage")
@require_GET
def checkout_return(request: PortalRequest) -> HttpResponse:
    """Where Stripe's page leads back to: looks what was bought, again and again until Stripe says."""
    session = request.GET.get("session", "")
    try:
        if session:
            services.finish_checkout(tenant=request.tenant, session_id=session)
        is_away = False
    except StripeAway:
        is_away = True
    contract = contract_of(request.tenant)
    if contract.is_bought or not session:
        text = f"Thank you. You have subscribed to {contract.version.name}." if contract.is_bought else ""
        return done(request, "billing:home", text)
    if contract.state is State.INCOMPLETE:
        return go(request, "billing:home")
    context = {"contract": contract, "is_away": is_away}
    return show(request, "billing/returning.html", context, part="billing/returning_part.html")


@portal("billing:manage")
@require_http_methods(["GET", "POST"])
def cancellation(request: PortalRequest) -> HttpResponse:
    """Say what ends when, ask why, then cancel."""
    form = CancelForm(posted(request))
    contract = contract_of(request.tenant)
    if form.is_valid():
        given: Any = form.cleaned_data
        ended = attempt(
            form,
            lambda: services.cancel(tenant=request.tenant, actor=actor_of(request), **given),
        )
        if ended:
            return done(
                request, "billing:home", "The subscription is cancelled. It can be kept until it ends."
            )
    if contract.running is None:
        return redirect("billing:home")
    return show_form(request, "billing/cancel.html", {"form": form, "contract": contract})


@portal("billing:manage")
@require_POST
def resumption(request: PortalRequest) -> HttpResponse:
    """Keep a subscription that was to end."""
    tried(
        request,
        lambda: services.resume(tenant=request.tenant, actor=actor_of(request)),
        "The subscription goes on.",
    )
    return redirect("billing:home")


@leads_to_stripe
@portal("billing:manage")
@require_POST
def card(request: PortalRequest) -> HttpResponse:
    """Go to Stripe's page for another card."""
    form = PortalForm(posted(request))
    form.is_valid()
    url = attempt(form, lambda: services.open_stripe_portal(tenant=request.tenant, actor=actor_of(request)))
    if url:
        request.session[AT_STRIPE] = True
        return to_stripe(url)
    return render(request, "billing/refused.html", {"form": form}, status=422)


@portal("billing:manage")
@require_http_methods(["GET", "POST"])
def tax_id(request: PortalRequest) -> HttpResponse:
    """Give the tax number that stands on invoices."""
    contract = contract_of(request.tenant)
    form = TaxIdForm(posted(request), initial=contract.tax_id)
    if form.is_valid():
        given: Any = form.cleaned_data
        saved = attempt(
            form,
            lambda: services.set_tax_id(tenant=request.tenant, actor=actor_of(request), **given),
        )
        if saved:
            return done(
                request, "billing:home", "The tax number is saved." if given["value"] else "It is gone."
            )
    return show_form(request, "billing/tax_id.html", {"form": form, "contract": contract})


@leads_to_stripe
@portal("billing:manage")
@require_POST
def promotion_code(request: PortalRequest) -> HttpResponse:
    """Take something off the subscription by a code."""
    form = CodeForm(posted(request))
    if form.is_valid():
        code = form.cleaned_data["code"]
        found = attempt(
            form,
            lambda: services.apply_promotion_code(tenant=request.tenant, code=code, actor=actor_of(request)),
        )
        if found:
            return done(request, "billing:home", "The code counts from the next invoice on.")
    return show_home(request, form)


def to_stripe(url: str) -> HttpResponse:
    """On to a page of Stripe's, with a GET."""
    response = redirect(url)
    response.status_code = 303
    return response

"""The settings pages of webhooks: endpoints, their log, and what can be done again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenant_apps.webhooks import services
from tenant_apps.webhooks.forms import DeliveryFilterForm, EndpointForm, ReplayForm
from tenant_apps.webhooks.models import Delivery, Endpoint
from tenants.audit.actors import actor_of
from tenants.listing import Listing, Tab
from tenants.navigation import Command, Section, register_command, register_settings
from tenants.portal import PortalRequest, attempt, done, portal, posted, show, show_form, tried

VERB = "webhooks:manage"
MOST_SHOWN = 200

register_command(Command("Add a webhook endpoint", "webhooks:new", VERB, order=90))
register_settings(Section("Webhooks", "webhooks:list", VERB, order=30))


class DeliveryListing(Listing[Delivery]):
    """The log of one endpoint, the newest first."""

    noun = ("delivery", "deliveries")
    form_class = DeliveryFilterForm

    def filter(self, queryset: QuerySet[Delivery], chosen: Mapping[str, Any]) -> QuerySet[Delivery]:
        if state := chosen.get("state"):
            queryset = queryset.filter(state=state)
        if event_type := chosen.get("event_type"):
            queryset = queryset.filter(event__type=event_type)
        return queryset

    @property
    def tabs(self) -> list[Tab]:
        return self.tabs_of("state", DeliveryFilterForm.STATE)


@portal(VERB)
@require_GET
def endpoint_list(request: PortalRequest) -> HttpResponse:
    """The endpoints, and how sending to each goes."""
    return render(request, "webhooks/list.html", {"endpoints": Endpoint.objects.all()[:MOST_SHOWN]})


@portal(VERB)
@require_http_methods(["GET", "POST"])
def endpoint_new(request: PortalRequest) -> HttpResponse:
    """Add an endpoint and show its secret, this once."""
    form = EndpointForm(posted(request))
    if form.is_valid():
        given = form.cleaned_data
        made = attempt(form, lambda: services.create_endpoint(actor=actor_of(request), **given))
        if made:
            return _show_secret(request, *made)
    context = {"form": form, "action": reverse("webhooks:new")}
    return show_form(request, "webhooks/form.html", context)


@portal(VERB)
@require_GET
def endpoint_detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One endpoint with its log, filtered by the URL."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    rows = Delivery.objects.filter(endpoint=endpoint).select_related("event")
    listing = DeliveryListing(request, rows.defer("attempts", "event__body", "event__details"))
    context = {"endpoint": endpoint, "listing": listing, "now": timezone.now()}
    return show(request, "webhooks/detail.html", context, part="webhooks/results.html")


@portal(VERB)
@require_http_methods(["GET", "POST"])
def endpoint_edit(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Change an endpoint."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    form = EndpointForm(posted(request), initial=EndpointForm.initial_of(endpoint))
    if form.is_valid():
        given = form.cleaned_data
        if attempt(
            form, lambda: services.update_endpoint(actor=actor_of(request), endpoint=endpoint, **given)
        ):
            return done(request, "webhooks:detail", "The endpoint is changed.", pk=pk)
    context = {"form": form, "endpoint": endpoint, "action": reverse("webhooks:edit", args=[pk])}
    return show_form(request, "webhooks/form.html", context)


@portal(VERB)
@require_http_methods(["GET", "POST"])
def endpoint_secret(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask, then give the endpoint another secret and show it, this once."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    if request.method == "POST":
        return _show_secret(request, *services.rotate_secret(actor=actor_of(request), endpoint=endpoint))
    return render(request, "webhooks/rotate.html", {"endpoint": endpoint})


def _show_secret(request: PortalRequest, endpoint: Endpoint, secret: str) -> HttpResponse:
    return render(request, "webhooks/secret.html", {"endpoint": endpoint, "secret": secret})


@portal(VERB)
@require_POST
def endpoint_test(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Send a test event, and go to its delivery."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    sent: list[Delivery] = []
    tried(
        request,
        lambda: sent.append(services.send_test(actor=actor_of(request), endpoint=endpoint)),
        "A test event is on its way.",
    )
    return (
        done(request, "webhooks:delivery", pk=sent[0].pk) if sent else done(request, "webhooks:detail", pk=pk)
    )


@portal(VERB)
@require_POST
def endpoint_pause(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Send nothing for now."""
    return _moved(request, pk, services.pause_endpoint, "Paused. Events are kept until you go on.")


@portal(VERB)
@require_POST
def endpoint_resume(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Send again."""
    return _moved(request, pk, services.resume_endpoint, "The endpoint is active again.")


def _moved(request: PortalRequest, pk: UUID, verb: Callable[..., Endpoint], success: str) -> HttpResponse:
    endpoint = get_object_or_404(Endpoint, pk=pk)
    tried(request, lambda: verb(actor=actor_of(request), endpoint=endpoint), success)
    return done(request, "webhooks:detail", pk=pk)


@portal(VERB)
@require_http_methods(["GET", "POST"])
def endpoint_replay(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Choose a span of time whose deliveries are sent again."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    form = ReplayForm(posted(request), initial={"days": 1, "only_failed": True})
    if form.is_valid():
        count = attempt(form, lambda: _replayed(request, endpoint, form.cleaned_data))
        if count is not None:
            text = f"{count:,} {'delivery is' if count == 1 else 'deliveries are'} sent again."
            return done(request, "webhooks:detail", text, pk=pk)
    return show_form(request, "webhooks/replay.html", {"form": form, "endpoint": endpoint})


def _replayed(request: PortalRequest, endpoint: Endpoint, given: dict[str, Any]) -> int:
    return services.replay_range(
        actor=actor_of(request),
        endpoint=endpoint,
        since=timezone.now() - timedelta(days=given["days"]),
        event_types=[given["event_type"]] if given["event_type"] else [],
        only_failed=given["only_failed"],
    )


@portal(VERB)
@require_http_methods(["GET", "POST"])
def endpoint_delete(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask, then forget an endpoint."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    if request.method == "POST":
        services.delete_endpoint(actor=actor_of(request), endpoint=endpoint)
        return done(request, "webhooks:list", "The endpoint is deleted.")
    return render(request, "webhooks/delete.html", {"endpoint": endpoint})


@portal(VERB)
@require_GET
def delivery_detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One delivery: what was sent, and what came back each time. While it waits, the page follows it."""
    delivery = get_object_or_404(Delivery.objects.select_related("event", "endpoint"), pk=pk)
    context = {
        "delivery": delivery,
        "body": _pretty(delivery.event.body),
        "attempts": [_readable(attempt) for attempt in reversed(delivery.attempts)],
    }
    return show(request, "webhooks/delivery.html", context, part="webhooks/attempts.html")


@portal(VERB)
@require_POST
def delivery_replay(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Send one delivery again."""
    delivery = get_object_or_404(Delivery, pk=pk)
    tried(
        request,
        lambda: services.replay_delivery(actor=actor_of(request), delivery=delivery),
        "The delivery is sent again.",
    )
    return done(request, "webhooks:delivery", pk=pk)


def _pretty(body: str) -> str:
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False) if body else ""


def _readable(attempt: dict[str, Any]) -> dict[str, Any]:
    def lines(headers: dict[str, str]) -> str:
        return "\n".join(f"{name}: {value}" for name, value in headers.items())

    return {
        **attempt,
        "at": datetime.fromisoformat(attempt["at"]),
        "request": lines(attempt["request_headers"]),
        "response": lines(attempt["response_headers"]),
    }

"""What operators see of Stripe's events: each with its body, what became of it, and ways to have it processed again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

import orjson
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator
from unfold.decorators import action, display

from shared_apps.inbox import services
from shared_apps.inbox.models import Listing, ReceivedEvent
from shared_apps.inbox.registry import ALL, handled_types
from shared_apps.lifecycle.admin import BOX, Asking
from tenants.audit.actors import actor_of
from tenants.users.operators import ReadOnly, operators

EVENTS: Final = "operators:inbox_receivedevent_changelist"
LISTINGS: Final = "operators:inbox_listing_changelist"


def dead_letters(request: HttpRequest) -> str:
    """How many events were given up, for the navigation; nothing where there is none."""
    return str(ReceivedEvent.objects.dead().count() or "")


class DismissForm(forms.Form):
    """Why an event stays unprocessed."""

    reason = forms.CharField(
        max_length=300,
        widget=forms.TextInput(attrs={"class": BOX, "autocomplete": "off"}),
        label="Why nobody needs it",
    )


class TypeFilter(admin.SimpleListFilter):
    """The types and groups that something here handles."""

    title, parameter_name = "type", "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterator[tuple[str, str]]:
        groups = {f"{name.split('.')[0]}.{ALL}" for name in handled_types()}
        return ((name, name) for name in sorted({*groups, *handled_types()}))

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ReceivedEvent]
    ) -> QuerySet[ReceivedEvent] | None:
        name = self.value()
        if not name:
            return None
        group = name.removesuffix(ALL)
        return queryset.filter(type__startswith=group) if group != name else queryset.filter(type=name)


class EventAdmin(Asking, ReadOnly):
    """The inspector of events."""

    list_display: tuple[Any, ...] = ("created_at", "type", "state", "about", "tries", "note_begins")
    list_filter = ("status", TypeFilter, "source", "is_thin", "created_at")
    search_fields: tuple[str, ...] = (
        "stripe_id__exact",
        "object_id__exact",
        "customer__exact",
        "type__exact",
    )
    search_help_text = "The whole id of an event, an object or a customer, or a whole type."
    fields: tuple[str, ...] = (
        "stripe_id", "type", "status", "note", "tries", "occurred_at", "created_at", "settled_at", "sweep_at",
        "source", "livemode", "is_thin", "object_type", "object_id", "customer", "readable",
    )  # fmt: skip
    readonly_fields: tuple[str, ...] = ("readable",)
    actions = ("replay_selected",)
    actions_list = ("replay_given_up", "fetch")
    actions_detail = ("replay", "dismiss")
    show_full_result_count = False
    list_per_page = 50

    @display(
        description="Status",
        ordering="status",
        label={"Waiting": "info", "Processed": "success", "Ignored": "default", "Given up": "danger"},
    )
    def state(self, event: ReceivedEvent) -> str:
        return event.get_status_display()

    @display(description="Object")
    def about(self, event: ReceivedEvent) -> str:
        return Truncator(event.object_id).chars(32)

    @display(description="Note")
    def note_begins(self, event: ReceivedEvent) -> str:
        return Truncator(event.note).chars(80)

    @display(description="Body")
    def readable(self, event: ReceivedEvent) -> str:
        text = orjson.dumps(event.document, option=orjson.OPT_INDENT_2).decode()
        return format_html('<pre class="overflow-x-auto">{}</pre>', text)

    def has_replay_permission(self, request: HttpRequest, object_id: str) -> bool:
        return _is(object_id, ReceivedEvent.SETTLED)

    def has_dismiss_permission(self, request: HttpRequest, object_id: str) -> bool:
        return _is(object_id, (ReceivedEvent.Status.DEAD,))

    def has_replay_given_up_permission(self, request: HttpRequest) -> bool:
        return ReceivedEvent.objects.dead().exists()

    def has_fetch_permission(self, request: HttpRequest) -> bool:
        return services.can_fetch()

    @action(description="Process the selected events again")
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[ReceivedEvent]) -> None:
        """Have several events processed again."""
        keys = list(queryset.values_list("pk", flat=True))
        count = services.replay_events(event_ids=keys, actor=actor_of(request))
        left = f" {len(keys) - count} are waiting already." if count < len(keys) else ""
        messages.success(request, f"{count} events are processed again.{left}")

    @action(
        description="Process all that were given up…", permissions=["replay_given_up"], url_path="replay-all"
    )
    def replay_given_up(self, request: HttpRequest) -> HttpResponse:
        """Have all events processed again that were given up."""
        return self.ask(
            request,
            title="Process all events that were given up",
            text=f"They are tried anew, the oldest first, at most {services.MOST} at once. Mend what they failed with "
            "before.",
            do=lambda _: services.replay_dead(actor=actor_of(request)),
            back=reverse(EVENTS),
            then=EVENTS,
        )

    @action(description="Fetch what never came…", permissions=["fetch"], url_path="fetch")
    def fetch(self, request: HttpRequest) -> HttpResponse:
        """Look through Stripe's list."""
        return self.ask(
            request,
            title="Fetch events that never came",
            text="Stripe's list is looked through since the last time, for types that are handled here. What is not "
            "here yet is kept and processed. The same happens every night.",
            do=lambda _: services.fetch_missing(actor=actor_of(request)),
            back=reverse(EVENTS),
            then=LISTINGS,
        )

    @action(description="Process again…", permissions=["replay"], url_path="replay")
    def replay(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have one event processed again."""
        return self.ask(
            request,
            title="Process this event again",
            text="It is handled as if it had just come. What it tells of is fetched from Stripe anew, so nothing goes "
            "back to how it was then.",
            do=lambda _: services.replay_events(event_ids=[UUID(object_id)], actor=actor_of(request)),
            back=_page(object_id),
            then=_page(object_id),
        )

    @action(description="Dismiss…", permissions=["dismiss"], url_path="dismiss")
    def dismiss(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Leave an event unprocessed."""
        return self.ask(
            request,
            title="Dismiss this event",
            text="It stays unprocessed, and counts as ignored. The nightly look through Stripe's list mends nothing of "
            "it.",
            do=lambda given: services.dismiss_event(
                event_id=UUID(object_id), actor=actor_of(request), **given
            ),
            back=_page(object_id),
            then=_page(object_id),
            form=DismissForm(request.POST or None),
        )


class ListingAdmin(ReadOnly):
    """When Stripe's list was looked through, and what had never come."""

    list_display = ("created_at", "begin", "end", "listed", "found")
    fields = ("begin", "end", "listed", "found", "created_at")


def _page(object_id: str) -> str:
    return reverse("operators:inbox_receivedevent_change", args=[object_id])


def _is(object_id: str, statuses: tuple[str, ...]) -> bool:
    try:
        return ReceivedEvent.objects.filter(pk=object_id, status__in=statuses).exists()
    except ValidationError:  # an address typed by hand
        return False


operators.register(ReceivedEvent, EventAdmin)
operators.register(Listing, ListingAdmin)

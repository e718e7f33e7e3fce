"""Forms of webhooks: the shape of the input; the services keep the rules."""

from collections.abc import Iterator
from typing import Any, Final

from django import forms

from tenant_apps.webhooks.catalogue import CATALOGUE
from tenant_apps.webhooks.models import EVERYTHING, Delivery, Endpoint
from tenants.forms import PortalForm

ALL_EVENTS: Final = (EVERYTHING, "Everything, types of the future included")


def _by_group() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for kind in CATALOGUE.values():
        groups.setdefault(kind.group, []).append((kind.name, kind.name))
    yield from groups.items()


class EndpointForm(PortalForm):
    """An endpoint as it is added and edited."""

    url = forms.CharField(
        label="Address",
        max_length=2000,
        help_text="Where events are posted to, such as https://shop.example/webhooks.",
        widget=forms.URLInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give the address that receives the events."},
    )
    description = forms.CharField(required=False, max_length=200, help_text="For you and your colleagues.")
    event_types = forms.MultipleChoiceField(
        label="Events",
        choices=[ALL_EVENTS, *((name, name) for _, kinds in _by_group() for name, _ in kinds)],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one event."},
    )

    @classmethod
    def initial_of(cls, endpoint: Endpoint) -> dict[str, Any]:
        """The values that the form begins with."""
        return {name: getattr(endpoint, name) for name in ("url", "description", "event_types")}


class ReplayForm(PortalForm):
    """Which deliveries to send again."""

    DAYS = [("1", "The last day"), ("3", "The last 3 days"), ("7", "The last week"), ("30", "All 30 days")]

    days = forms.TypedChoiceField(label="Events of", choices=DAYS, coerce=int)
    event_type = forms.ChoiceField(
        label="Type",
        required=False,
        choices=[("", "All types"), *((name, name) for name in CATALOGUE)],
    )
    only_failed = forms.BooleanField(label="Only what failed", required=False, initial=True)


class DeliveryFilterForm(PortalForm):
    """What the log of an endpoint can be narrowed to."""

    STATE = [("", "All"), *Delivery.State.choices]

    state = forms.ChoiceField(choices=STATE, required=False, widget=forms.HiddenInput)
    event_type = forms.ChoiceField(
        choices=[("", "Any type"), *((name, name) for name in CATALOGUE)],
        required=False,
        widget=forms.Select(attrs={"aria-label": "Type"}),
    )

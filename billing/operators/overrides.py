"""What operators see and decide of single tenants' allowances."""

from typing import Any, Final
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action, display

from billing.limits.overrides import end_override, grant_override
from billing.models import Override
from billing.plans.versions import Feature, Limit, Rate
from shared_apps.clients.models import Client
from shared_apps.lifecycle.admin import BOX, Asking
from tenants.audit.actors import actor_of
from tenants.users.operators import ReadOnly

OVERRIDES: Final = "operators:billing_override_changelist"
KEYS: Final = [
    *((limit.value, limit.value.replace("_", " ")) for limit in (*Limit, *Rate)),
    *((feature.value, f"{feature.value} (feature)") for feature in Feature),
]
STATES: Final = [("", "–"), ("on", "on"), ("off", "off")]
BOXED: Final = {"class": BOX}


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(max_length=300, widget=forms.Textarea(attrs={**BOXED, "rows": 2}))


class GrantForm(ReasonForm):
    """What a tenant is allowed instead of what its plan says."""

    subdomain = forms.CharField(max_length=63, label="Subdomain", widget=forms.TextInput(attrs=BOXED))
    key = forms.ChoiceField(choices=KEYS, label="Limit or feature", widget=forms.Select(attrs=BOXED))
    value = forms.IntegerField(
        required=False,
        min_value=0,
        help_text="Of a limit. Without a number it is not limited.",
        widget=forms.NumberInput(attrs=BOXED),
    )
    is_on = forms.ChoiceField(
        required=False, choices=STATES, label="Of a feature", widget=forms.Select(attrs=BOXED)
    )
    expires_at = forms.DateTimeField(
        required=False,
        label="Until (UTC)",
        help_text="Without a time it holds until it is ended.",
        widget=forms.DateTimeInput(attrs={**BOXED, "type": "datetime-local"}),
    )
    field_order = ("subdomain", "key", "value", "is_on", "expires_at", "reason")

    def clean_subdomain(self) -> str:
        """The schema of the tenant."""
        client = Client.objects.filter(subdomain=self.cleaned_data["subdomain"].strip().lower()).first()
        if client is None:
            raise forms.ValidationError("No tenant has this subdomain.")
        return str(client.schema_name)

    def clean_is_on(self) -> bool | None:
        """On, off, or nothing said."""
        said: str = self.cleaned_data["is_on"]
        return {"on": True, "off": False}.get(said)


class OverrideAdmin(Asking, ReadOnly):
    """Exceptions from plans: who has one, why, until when, and who gave it."""

    list_display = (
        "created_at", "tenant", "key", "said", "state", "expires_at", "granted_by", "reason",
    )  # fmt: skip
    list_filter = ("key", "created_at")
    search_fields = ("tenant", "reason")
    fields = (
        "tenant", "kind", "key", "value", "is_on", "reason", "granted_by", "created_at", "expires_at", "ended_at",
        "ended_by",
    )  # fmt: skip
    actions_list = ("grant",)
    actions_detail = ("end",)

    @display(description="Allows")
    def said(self, override: Override) -> str:
        if override.kind == Override.Kind.FEATURE:
            return "on" if override.is_on else "off"
        return "no limit" if override.value is None else f"{override.value:,}"

    @display(description="State", label={"Holds": "success", "Over": "warning", "Ended": "info"})
    def state(self, override: Override) -> str:
        if override.ended_at is not None:
            return "Ended"
        is_over = override.expires_at is not None and override.expires_at <= timezone.now()
        return "Over" if is_over else "Holds"

    def has_grant_permission(self, request: HttpRequest) -> bool:
        return True

    def has_end_permission(self, request: HttpRequest, object_id: str) -> bool:
        try:
            return Override.objects.filter(pk=object_id, ended_at=None).exists()
        except ValidationError:  # an address typed by hand
            return False

    @action(description="Grant…", permissions=["grant"], url_path="grant")
    def grant(self, request: HttpRequest) -> HttpResponse:
        """Allow a tenant something else than its plan does."""
        return self.ask(
            request,
            title="Grant an override",
            text="It counts within two seconds, instead of what the plan says. One that the tenant has for the same "
            "limit or feature ends.",
            form=GrantForm(request.POST or None),
            do=lambda given: _grant(request, given),
            back=reverse(OVERRIDES),
            then=OVERRIDES,
        )

    @action(description="End…", permissions=["end"], url_path="end")
    def end(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Let the plan count again."""
        return self.ask(
            request,
            title="End this override",
            text="The plan counts again within two seconds. Nothing that exists is lost; more is refused where the "
            "plan does not allow it.",
            form=ReasonForm(request.POST or None),
            do=lambda given: end_override(
                override_id=UUID(object_id), actor=actor_of(request), reason=given["reason"]
            ),
            back=reverse(OVERRIDES),
            then=OVERRIDES,
        )


class BudgetAdmin(ReadOnly):
    """What tenants were granted of a month's budget: what the ledger has, and what processes hold this moment."""

    list_display = ("begin_at", "tenant", "limit", "granted", "counted_at")
    list_filter = ("limit", "begin_at")
    search_fields = ("tenant",)
    fields = ("tenant", "limit", "begin_at", "end_at", "granted", "counted_at")


def _grant(request: HttpRequest, given: dict[str, Any]) -> Override:
    said = {name: given[name] for name in ("key", "value", "is_on", "reason", "expires_at")}
    return grant_override(tenant=given["subdomain"], actor=actor_of(request), **said)

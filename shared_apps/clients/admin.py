"""The operators' admin: clients with their state, operators, and the log of what operators did."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from unfold.admin import TabularInline
from unfold.decorators import action, display

from shared_apps.clients.models import Client, Domain
from shared_apps.clients.renaming import rename_subdomain
from shared_apps.clients.standing import change_access, extend_trial
from shared_apps.clients.statuses import TRANSITIONS, change_status
from shared_apps.clients.workspace import change_workspace
from tenants.audit.actors import actor_of
from tenants.audit.models import AuditEntry
from tenants.errors import DomainError
from tenants.status import starts_from
from tenants.users.models import User
from tenants.users.operators import ReadOnly, operators


class DomainInline(TabularInline):  # type: ignore[misc]  # unfold is untyped
    model = Domain
    fields = ("domain", "is_primary", "verified_at")
    readonly_fields = fields
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


BOX: Final = "border border-base-200 rounded-default w-full px-3 py-2 dark:bg-base-900 dark:border-base-700"
LINES: Final = {"rows": 3, "class": BOX}


class ReasonForm(forms.Form):
    """Why a tenant is closed."""

    reason = forms.CharField(
        max_length=300,
        widget=forms.Textarea(attrs=LINES),
        help_text="Kept in the audit log; the tenant does not see it.",
    )


class NoticeForm(forms.Form):
    """What people read while their workspace is closed."""

    notice = forms.CharField(
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs=LINES),
        help_text="What its people read instead of our own words: what is done, and until when.",
    )


class RenameForm(forms.Form):
    """The other subdomain."""

    subdomain = forms.CharField(
        max_length=63, widget=forms.TextInput(attrs={"class": BOX, "autocomplete": "off"})
    )


class SettingsForm(forms.Form):
    """What a workspace says of itself; the lists are long, so that codes are typed."""

    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"class": BOX}))
    locale = forms.CharField(max_length=10, label="Language", widget=forms.TextInput(attrs={"class": BOX}))
    time_zone = forms.CharField(max_length=64, widget=forms.TextInput(attrs={"class": BOX}))
    currency = forms.CharField(max_length=3, widget=forms.TextInput(attrs={"class": BOX}))


UNTIL: Final = forms.DateTimeInput(attrs={"type": "datetime-local", "class": BOX})


class TrialForm(forms.Form):
    """Until when somebody may go on trying."""

    until = forms.DateTimeField(label="Until, in UTC", widget=UNTIL)
    reason = forms.CharField(
        max_length=300, widget=forms.Textarea(attrs=LINES), help_text="Kept in the audit log."
    )


class AccessForm(forms.Form):
    """What is open, and why."""

    access = forms.ChoiceField(choices=Client.Access.choices, widget=forms.Select(attrs={"class": BOX}))
    until = forms.DateTimeField(
        label="Until, in UTC",
        required=False,
        widget=UNTIL,
        help_text="For a time of grace: people read when it ends. Whoever has a subscription and owes still is "
        "read-only from then on; without one nothing ends by itself.",
    )
    reason = forms.CharField(
        max_length=300,
        widget=forms.Textarea(attrs=LINES),
        help_text="Kept in the audit log; its people read it where their access is less than full.",
    )


@dataclass(frozen=True)
class Question:
    """What an operator is asked before a verb is done."""

    title: str
    text: str
    form: type[forms.Form] | None = None
    is_grave: bool = False


QUESTIONS: Final = {
    "suspend": Question(
        "Suspend",
        "Its portal and API close within two seconds, and its tasks are dropped. Nothing is deleted; its people see "
        "that the workspace is suspended and whom to ask.",
        ReasonForm,
        is_grave=True,
    ),
    "resume": Question("Resume", "Its portal and API open within two seconds."),
    "begin_maintenance": Question(
        "Begin maintenance of",
        "Its portal and API close within two seconds. Its tasks wait and are done afterwards.",
        NoticeForm,
    ),
    "end_maintenance": Question("End maintenance of", "Its doors open, and the tasks that waited are done."),
    "rename": Question(
        "Rename",
        "It gets another subdomain. The old one stays its own and leads to the new one; people sign in anew there.",
        RenameForm,
    ),
    "change_settings": Question(
        "Change the settings of",
        "Name, language, time zone and currency, as its own people can change them. Days are cut anew by the zone, and "
        "searches follow the language. The currency stays once products have another one.",
        SettingsForm,
    ),
    "extend_trial": Question(
        "Extend the trial of",
        "It keeps what the trial includes until then. Where the trial is over and nothing was bought, it begins anew.",
        TrialForm,
    ),
    "change_access": Question(
        "Change the access of",
        "What its payments leave open, by hand. It holds until Stripe next tells of its subscription; of a tenant that "
        "has none, until somebody changes it. The status is another matter: this opens nothing that is suspended.",
        AccessForm,
    ),
    "archive": Question(
        "Archive",
        "Its portal and API close, and its tasks are dropped. Its data stays, and it can be reopened.",
        is_grave=True,
    ),
    "reopen": Question("Reopen", "Its portal and API open within two seconds."),
}


def _asks(verb: str, description: str, url_path: str) -> Any:
    def ask(self: "ClientAdmin", request: HttpRequest, object_id: str) -> HttpResponse:
        return self.ask_then_do(request, object_id, verb)

    # The decorator looks the action up by the function's name.
    ask.__name__ = verb
    return action(description=description, permissions=[verb], url_path=url_path)(ask)


def _possible(verb: str) -> Any:
    # Asked without a tenant where no single one is meant.
    return lambda self, request, object_id=None: bool(object_id) and self.is_possible(object_id, verb)


def _of_one(self: "ClientAdmin", request: HttpRequest, object_id: str | None = None) -> bool:
    """Whether a single tenant is meant, whatever its status."""
    return bool(object_id)


def _on_trial(self: "ClientAdmin", request: HttpRequest, object_id: str | None = None) -> bool:
    """Whether a tenant has a trial, or could have one again."""
    tries = Q(trial_ends_at__isnull=False) | Q(plan=Client.Plan.FREE)
    return bool(object_id) and _exists(tries, pk=object_id)


def _exists(*conditions: Q, **more: Any) -> bool:
    try:
        return Client.objects.filter(*conditions, **more).exists()
    except ValidationError:  # an address typed by hand
        return False


class ClientAdmin(ReadOnly):
    """Tenants: found by name or address; what their status allows is offered, and asked about before it is done.

    What other apps can do with a tenant they add by a class that inherits this one.
    """

    list_display = ("name", "state", "host", "version", "standing", "trial_ends_at", "created_at")
    list_filter = ("status", "access", "plan", "created_at")
    search_fields = ("name", "subdomain", "schema_name", "domains__domain")
    fields = (
        "name", "subdomain", "status", "status_since", "suspension_reason", "notice", "delete_after", "sandbox_of",
        "plan", "plan_version", "trial_ends_at", "access", "access_reason", "access_since", "access_until",
        "locale", "time_zone", "currency", "schema_name", "id", "created_at", "updated_at",
    )  # fmt: skip
    inlines = (DomainInline,)
    actions_detail = tuple(QUESTIONS)
    actions = ("resume_selected",)
    list_per_page = 50

    suspend = _asks("suspend", "Suspend…", "suspend")
    resume = _asks("resume", "Resume", "resume")
    begin_maintenance = _asks("begin_maintenance", "Maintenance…", "maintenance")
    end_maintenance = _asks("end_maintenance", "End maintenance", "open")
    rename = _asks("rename", "Rename…", "rename")
    change_settings = _asks("change_settings", "Settings…", "settings")
    extend_trial = _asks("extend_trial", "Extend trial…", "extend-trial")
    change_access = _asks("change_access", "Change access…", "access")
    archive = _asks("archive", "Archive…", "archive")
    reopen = _asks("reopen", "Reopen", "reopen")
    has_suspend_permission = _possible("suspend")
    has_resume_permission = _possible("resume")
    has_begin_maintenance_permission = _possible("begin_maintenance")
    has_end_maintenance_permission = _possible("end_maintenance")
    has_rename_permission = _possible("rename")
    has_change_settings_permission = _of_one
    has_extend_trial_permission = _on_trial
    has_change_access_permission = _of_one
    has_archive_permission = _possible("archive")
    has_reopen_permission = _possible("reopen")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Client]:
        """Tenants with their primary name, in one query."""
        primary = Domain.objects.filter(tenant=OuterRef("pk"), is_primary=True).values("domain")
        rows: QuerySet[Client] = super().get_queryset(request).annotate(primary=Subquery(primary[:1]))
        return rows

    @display(
        description="Status",
        ordering="status",
        label={
            "Active": "success",
            "Being set up": "info",
            "In maintenance": "warning",
            "Suspended": "danger",
            "Archived": "default",
            "Being deleted": "danger",
        },
    )
    def state(self, client: Client) -> str:
        return client.get_status_display()

    @display(description="Plan", ordering="plan")
    def version(self, client: Client) -> str:
        return f"{client.plan} v{client.plan_version}"

    @display(
        description="Access",
        ordering="access",
        label={
            Client.Access.FULL.label: "success",
            Client.Access.GRACE.label: "warning",
            Client.Access.READ_ONLY.label: "danger",
            Client.Access.CLOSED.label: "danger",
        },
    )
    def standing(self, client: Client) -> str:
        return client.get_access_display()

    @display(description="Primary host")
    def host(self, client: Any) -> str:
        return str(client.primary or client.host)

    def is_possible(self, object_id: str, verb: str) -> bool:
        """Whether the tenant's status allows the verb."""
        return _exists(pk=object_id, status__in=starts_from(verb))

    def ask_then_do(self, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
        """Ask, because following a link must change nothing; then do it, or say why it cannot be done."""
        client, question = Client.objects.get(pk=object_id), QUESTIONS[verb]
        given = (
            {name: getattr(client, name, "") for name in question.form.base_fields} if question.form else {}
        )
        form = question.form(request.POST or None, initial=given) if question.form else None
        if request.method == "POST" and (form is None or form.is_valid()):
            refusal = self._do(request, client, verb, form.cleaned_data if form else {})
            if refusal is None or form is None or refusal.field not in form.fields:
                return redirect(reverse("operators:clients_client_change", args=[object_id]))
            form.add_error(refusal.field, refusal.detail)
        title = f"{question.title} {client.name}"
        context = {"client": client, "form": form, "question": question, "title": title}
        return render(request, "admin/clients/ask.html", {**operators.each_context(request), **context})

    @action(description="Resume selected tenants")
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Client]) -> None:
        """Open the doors of several tenants."""
        for client in queryset:
            self._do(request, client, "resume", {})

    def _do(
        self, request: HttpRequest, client: Client, verb: str, given: dict[str, Any]
    ) -> DomainError | None:
        """Do the verb and tell of it; a refusal that belongs to a field is left to the form."""
        actor = actor_of(request)
        try:
            client = _verb(verb)(client_id=client.pk, actor=actor, **given)
        except DomainError as refusal:
            if refusal.field not in given:
                self.message_user(request, refusal.detail, messages.ERROR)
            return refusal
        done = DONE[verb](client) if verb in DONE else TRANSITIONS[verb].done
        self.message_user(request, f"{client.name} {done}", messages.SUCCESS)
        return None


# What is done besides changing the status, and what operators are told afterwards.
OTHERS: Final[dict[str, Callable[..., Client]]] = {
    "rename": rename_subdomain,
    "change_settings": change_workspace,
    "extend_trial": extend_trial,
    "change_access": change_access,
}
DONE: Final[dict[str, Callable[[Client], str]]] = {
    "rename": lambda client: f"is at {client.host} now.",
    "change_settings": lambda client: "has these settings now.",
    "extend_trial": lambda client: f"may try {client.plan} until {client.trial_ends_at:%d %b %Y, %H:%M} UTC.",
    "change_access": lambda client: f"has this access now: {client.get_access_display().lower()}.",
}


def _verb(name: str) -> Callable[..., Client]:
    return OTHERS.get(name) or partial(change_status, verb=name)


class OperatorAdmin(ReadOnly):
    """Who may enter this admin; made by `manage.py create_operator`."""

    list_display = ("email", "name", "is_active", "last_login", "created_at")
    search_fields = ("email", "name")
    fields = ("email", "name", "is_active", "last_login", "created_at")


class AuditAdmin(ReadOnly):
    """What was done on the platform; no row is ever changed."""

    list_display = ("at", "actor_label", "verb", "target_type", "target_id", "address")
    list_filter = ("verb", "at")
    search_fields = ("actor_label", "verb", "target_id")
    fields = (
        "at", "actor_kind", "actor_label", "verb", "target_type", "target_id", "data", "request_id", "address",
    )  # fmt: skip


operators.register(Client, ClientAdmin)
operators.register(User, OperatorAdmin)
operators.register(AuditEntry, AuditAdmin)

"""Forms of the way in and of the settings."""

from datetime import datetime, timedelta
from typing import Any, Final, cast

from django import forms
from django.utils import timezone

from tenants.forms import PortalForm
from tenants.users.models import ApiToken, Role, User
from tenants.users.permissions import SCOPES

KINDS: Final = ((ApiToken.Kind.SERVICE, "A service account"), (ApiToken.Kind.PERSONAL, "My own"))
OVERLAPS: Final = (
    ("24", "24 hours"),
    ("1", "1 hour"),
    ("168", "7 days"),
    ("720", "30 days"),
    ("0", "not at all"),
)
TEAM_ROLES: Final = tuple(choice for choice in Role.choices if choice[0] != Role.OPERATOR)
ROLES_SAID: Final = (
    "Viewers read, members work, admins also manage people, tokens and domains, owners manage owners."
)
LIFETIMES: Final = (("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("", "Never"))


class SignInForm(PortalForm):
    """E-mail and password."""

    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class ResetForm(PortalForm):
    """Where the link goes."""

    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )


class NewPasswordForm(PortalForm):
    """The password to come."""

    password = forms.CharField(
        label="New password",
        max_length=128,
        strip=False,
        help_text="At least 10 characters; not one of the common ones.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "autofocus": True}),
    )


class ApiTokenForm(PortalForm):
    """What a new API token is for and may do."""

    kind = forms.ChoiceField(
        label="Whose",
        choices=KINDS,
        required=False,
        initial=ApiToken.Kind.SERVICE,
        widget=forms.RadioSelect,
        help_text="A service account outlives the people who made it. Your own token never may more than you.",
    )
    name = forms.CharField(max_length=120, help_text="What will use it, for example “Web shop”.")
    lifetime = forms.ChoiceField(label="Expires", choices=LIFETIMES, required=False, initial="90")
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        widget=forms.CheckboxSelectMultiple,
        help_text="Grant what the program needs and no more.",
        error_messages={"required": "Choose at least one scope: a token without any could do nothing."},
    )

    def __init__(self, *args: Any, owner: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not owner.can("tokens:manage"):
            del self.fields["kind"]
        field = cast(forms.MultipleChoiceField, self.fields["scopes"])
        field.choices = [(scope, scope) for scope in sorted(SCOPES) if owner.can(scope)]

    @property
    def chosen_kind(self) -> str:
        """Whose the token is; those who manage none make their own."""
        if "kind" not in self.fields:
            return ApiToken.Kind.PERSONAL
        return self.cleaned_data["kind"] or ApiToken.Kind.SERVICE

    @property
    def expires_at(self) -> datetime | None:
        """When the token ends by the chosen lifetime."""
        days = self.cleaned_data["lifetime"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class RotationForm(PortalForm):
    """How long the old secret goes on."""

    overlap = forms.ChoiceField(
        label="The old secret works for",
        choices=OVERLAPS,
        initial="24",
        help_text="Time enough to put the new one everywhere.",
    )

    @property
    def old_works_until(self) -> datetime:
        """When the old secret ends by the chosen overlap."""
        return timezone.now() + timedelta(hours=int(self.cleaned_data["overlap"]))


class InviteForm(PortalForm):
    """Who is invited, and as what."""

    email = forms.EmailField(label="E-mail", max_length=254)
    name = forms.CharField(max_length=120, required=False)
    role = forms.ChoiceField(choices=TEAM_ROLES, initial=Role.MEMBER, help_text=ROLES_SAID)


class RoleForm(PortalForm):
    """Another role."""

    role = forms.ChoiceField(choices=TEAM_ROLES, help_text=ROLES_SAID)


class AcceptForm(NewPasswordForm):
    """Name and password of somebody who was invited."""

    name = forms.CharField(
        label="Your name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    field_order = ("name", "password")

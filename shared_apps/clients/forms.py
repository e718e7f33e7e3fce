"""Forms of the public host and of the workspace's settings."""

from typing import Any

from django import forms
from django.conf import settings
from django.conf.locale import LANG_INFO

from shared_apps.clients.models import Client
from shared_apps.clients.services import mistakes_in
from shared_apps.clients.workspace import CURRENCIES, time_zones
from tenants.forms import PortalForm
from tenants.hosts import directory
from tenants.searching import LANGUAGES


class SignUpForm(forms.Form):
    """What a new workspace needs to begin; the form checks the shape, the service the rules."""

    company = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "organization"}))
    subdomain = forms.CharField(max_length=63, label="Workspace address")
    email = forms.EmailField(
        max_length=254, label="Your e-mail", widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    password = forms.CharField(
        max_length=128,
        strip=False,
        help_text="At least 10 characters.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """The rules as well, for the fields whose shape is right: all mistakes are shown at once."""
        for mistake in mistakes_in(**self.cleaned_data):
            self.add_error(mistake.field, mistake.detail)
        return self.cleaned_data


class FindForm(forms.Form):
    """The name of a workspace, with or without the platform's host behind it."""

    subdomain = forms.CharField(max_length=253, label="Workspace address")

    def clean(self) -> dict[str, Any]:
        """Look the workspace up; an unknown name is an error on the field."""
        name = (
            str(self.cleaned_data.get("subdomain", ""))
            .strip()
            .lower()
            .removesuffix(f".{settings.PUBLIC_HOST}")
        )
        tenant = directory.by_host(f"{name}.{settings.PUBLIC_HOST}") if name else None
        if name and tenant is None:
            self.add_error(
                "subdomain", "No workspace has this address. Check the spelling, or sign up for a new one."
            )
        return {**self.cleaned_data, "tenant": tenant}


class WorkspaceForm(PortalForm):
    """What a workspace says of itself."""

    name = forms.CharField(
        max_length=120, help_text="As people see it at the top of each page and in letters."
    )
    locale = forms.ChoiceField(
        label="Language", help_text="Of your products' texts: searches know its words by their stems."
    )
    time_zone = forms.ChoiceField(help_text="Days, reports and times follow its clocks.")
    currency = forms.ChoiceField(
        help_text="Of prices and reports. It can be changed as long as nothing is priced in another one."
    )

    @classmethod
    def of(cls, client: Client, data: Any = None) -> "WorkspaceForm":
        """The form as it begins; what is set already can be kept whatever the lists offer."""
        form = cls(data, initial={name: getattr(client, name) for name in cls.base_fields})
        offered = {
            "locale": sorted(((code, language_name(code)) for code in LANGUAGES), key=lambda one: one[1]),
            "time_zone": [(zone, zone.replace("_", " ")) for zone in time_zones()],
            "currency": [(code, code) for code in CURRENCIES],
        }
        for name, choices in offered.items():
            known = any(value == form.initial[name] for value, _ in choices)
            now = [] if known else [(form.initial[name], form.initial[name])]
            form.fields[name].choices = [*now, *choices]  # type: ignore[attr-defined]  # a field with choices
        return form


def language_name(code: str) -> str:
    """What a language is called in English."""
    info = LANG_INFO.get(code) or LANG_INFO.get("nb" if code == "no" else code, {"name": code})
    return str(info["name"]).partition(" Bokm")[0]

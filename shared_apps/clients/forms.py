"""Forms of the public host."""

from typing import Any

from django import forms
from django.conf import settings

from shared_apps.clients.services import mistakes_in
from tenants.hosts import directory


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

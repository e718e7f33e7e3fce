"""Forms of the public host."""

from typing import Any

from django import forms
from django.conf import settings

from tenants.hosts import directory


class SignUpForm(forms.Form):
    """What a new workspace needs to begin; the service checks the rules, the form the shape."""

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

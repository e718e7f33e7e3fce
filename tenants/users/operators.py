"""The operators' admin on the public host: who may enter it, and the bases of its pages. Each app adds its own."""

from collections.abc import Callable
from functools import partial
from typing import Any

from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django import forms
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import path
from unfold.admin import ModelAdmin
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from tenants.errors import DomainError
from tenants.users.entering import note_operator
from tenants.users.sign_in import verify_password

Page = Callable[[HttpRequest], HttpResponseBase]


class OperatorSignInForm(AuthenticationForm):  # type: ignore[misc]  # unfold is untyped
    """The admin's way in, with the same limits on guessing as every other."""

    def clean(self) -> dict[str, Any]:
        """Check e-mail and password; too many failures are refused before they are looked at."""
        email, password = (str(self.cleaned_data.get(name) or "") for name in ("username", "password"))
        if email and password:
            address = self.request.META.get("REMOTE_ADDR", "")
            try:
                self.user_cache = verify_password(email=email, password=password, address=address)
            except DomainError as refusal:
                raise forms.ValidationError(refusal.detail) from refusal
            self.confirm_login_allowed(self.user_cache)
        return dict(self.cleaned_data)


class OperatorSite(UnfoldAdminSite):
    """The platform's own admin; it is routed on the public host only."""

    site_title = site_header = "Rowhouse operators"
    index_title = "Platform"
    login_form = OperatorSignInForm

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pages: list[tuple[str, str, Page]] = []

    def add_page(self, route: str, view: Page, name: str) -> None:
        """Add a page that is no model's: where it is, and what its address is called."""
        self._pages.append((route, name, view))

    def get_urls(self) -> list[Any]:
        """The pages of their own, then those of the models."""
        pages = [path(route, self.admin_view(view), name=name) for route, name, view in self._pages]
        return [*pages, *super().get_urls()]

    def has_permission(self, request: HttpRequest) -> bool:
        """Operators only; the public realm holds nobody else."""
        return bool(request.user.is_active and getattr(request.user, "is_staff", False))

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """The navigation; a badge that has nothing to say is left out."""
        groups: list[dict[str, Any]] = super().get_sidebar_list(request)
        for item in (item for group in groups for item in group["items"]):
            if not str(item.get("badge_callback", "")):
                item.pop("badge", None)
        return groups

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list of tenants is what operators come for."""
        return redirect("operators:clients_client_changelist")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """The admin's own pages, under the policy that its scripts need."""
        return interpreted(super().admin_view(view, cacheable))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The way in, under the same policy; who came in is written down."""
        response = interpreted(partial(super().login, extra_context=extra_context))(request)
        if request.method == "POST" and response.status_code == 302:
            note_operator(request=request, user=request.user, verb="operator.signed_in")
        return response

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The way out."""
        user = request.user
        response = super().logout(request, extra_context)
        if request.method == "POST" and user.is_authenticated:
            note_operator(request=request, user=user, verb="operator.signed_out")
        return response


# The admin's components interpret attributes and set inline styles; nothing a tenant wrote is shown unescaped there,
# and the exception ends with the operators' own pages.
interpreted = csp_update({"script-src": [UNSAFE_EVAL], "style-src": [UNSAFE_INLINE]})

operators = OperatorSite(name="operators")


class ReadOnly(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """Rows that are looked at here and changed by services only."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

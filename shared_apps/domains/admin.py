"""The operators' pages of domains: every claim with its state, and names in quarantine."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin import EmptyFieldListFilter
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from unfold.decorators import action, display

from shared_apps.clients.models import ReleasedName
from shared_apps.domains.models import Claim
from shared_apps.domains.services import free_name, release_domain, request_check
from tenants.audit.actors import actor_of
from tenants.errors import DomainError
from tenants.users.operators import ReadOnly, operators

STATES = {
    "Waiting for proof": "info",
    "Verified, not pointing here": "warning",
    "Ready": "success",
    "Primary": "success",
    "Dangling": "danger",
}


class Asking(ReadOnly):
    """Rows with actions that ask first, because following a link must change nothing."""

    def _ask(
        self,
        request: HttpRequest,
        object_id: str,
        words: dict[str, str],
        verb: Callable[[Any], object],
    ) -> HttpResponse:
        row = _row(self.model, object_id)
        if request.method != "POST":
            context = {
                **operators.each_context(request),
                **words,
                "row": row,
                "title": f"{words['verb']} {row}",
            }
            return render(request, "admin/domains/ask.html", context)
        self._do(request, lambda: verb(row), words["done"].format(row))
        return redirect(reverse(f"operators:{self.model._meta.label_lower.replace('.', '_')}_changelist"))

    def _do(self, request: HttpRequest, verb: Callable[[], object], done: str) -> None:
        try:
            verb()
        except DomainError as error:
            self.message_user(request, error.detail, messages.ERROR)
        else:
            self.message_user(request, done, messages.SUCCESS)


class ClaimAdmin(Asking):
    """Names that tenants want or have: those that dangle are found by the filter on "failing since"."""

    list_display = ("domain", "tenant", "shown_state", "checked_at", "failing_since")
    list_filter = (("failing_since", EmptyFieldListFilter), ("held", EmptyFieldListFilter), "is_pointing")
    search_fields = ("domain", "tenant__name", "tenant__subdomain")
    fields = (
        "domain", "tenant", "held", "expires_at", "checked_at", "next_check_at", "checks", "problem",
        "is_pointing", "pointed_at", "pointing_problem", "failing_since", "created_at", "updated_at",
    )  # fmt: skip
    actions_detail = ("check_now", "release")
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Claim]:
        claims: QuerySet[Claim] = super().get_queryset(request)
        return claims.select_related("tenant", "held")

    @display(description="State", label=STATES)
    def shown_state(self, claim: Claim) -> str:
        return claim.state.label

    @action(description="Check now", url_path="check")
    def check_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have the name servers asked; what that leads to is no more than the schedule would do, so it asks nothing."""
        claim = _row(Claim, object_id)
        self._do(
            request,
            lambda: request_check(tenant_id=claim.tenant_id, claim_id=claim.pk),
            f"The name servers are being asked about {claim}. Reload the page in a few seconds.",
        )
        return redirect(reverse("operators:domains_claim_change", args=[object_id]))

    @action(description="Release…", url_path="release")
    def release(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take a name off its tenant."""
        words = {
            "verb": "Release",
            "told": "It stops leading to its tenant at once, and is in quarantine for everybody else.",
            "done": "{} is released.",
        }
        actor = actor_of(request)
        return self._ask(
            request,
            object_id,
            words,
            lambda claim: release_domain(tenant_id=claim.tenant_id, claim_id=claim.pk, actor=actor),
        )


class ReleasedNameAdmin(Asking):
    """Names that were let go, subdomains among them: kept for their last owner until a day."""

    list_display = ("name", "last_tenant_id", "until")
    search_fields = ("name", "last_tenant_id")
    fields = ("name", "last_tenant_id", "until", "created_at", "updated_at")
    actions_detail = ("free",)
    list_per_page = 50

    @action(description="Free it now…", url_path="free")
    def free(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """End a quarantine early."""
        words = {
            "verb": "Free",
            "told": "Anybody may take it from then on. Do this when the name has changed hands lawfully, and whoever "
            "asks has shown that; links of its last tenant may still be about.",
            "done": "{} is free.",
        }
        actor = actor_of(request)
        return self._ask(
            request, object_id, words, lambda released: free_name(released_id=released.pk, actor=actor)
        )


def _row(model: type[Model], object_id: str) -> Any:
    try:
        row = model._default_manager.filter(pk=object_id).first()
    except ValidationError:  # an address typed by hand
        row = None
    if row is None:
        raise Http404("There is no such row any more.")
    return row


operators.register(Claim, ClaimAdmin)
operators.register(ReleasedName, ReleasedNameAdmin)

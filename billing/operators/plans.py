"""What operators see of the plans, and how these get to Stripe."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.decorators import action, display

from billing.models import PublishedPlan
from billing.plans.publishing import compare_plans, differing, state_of, synchronise_plans
from billing.plans.steps import Sign, Step
from shared_apps.clients.models import Client
from shared_apps.lifecycle.admin import Asking
from tenants.audit.actors import actor_of
from tenants.errors import DomainError
from tenants.users.operators import ReadOnly

PLANS = "operators:billing_publishedplan_changelist"


class PublishedPlanAdmin(Asking, ReadOnly):
    """The catalogue: what was published, who has it, and whether Stripe still has the same."""

    list_display = ("version", "state", "tenants", "product", "created_at")
    list_filter = ("key",)
    fields = ("key", "number", "fingerprint", "product", "prices", "content", "created_at", "updated_at")
    actions_list = ("compare",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PublishedPlan]:
        """With how many tenants have each."""
        having = Client.objects.filter(plan=OuterRef("key"), plan_version=OuterRef("number"))
        counted = having.order_by().values("plan").annotate(many=Count("pk")).values("many")
        return PublishedPlan.objects.annotate(many=Coalesce(Subquery(counted), 0))

    @display(description="Version", ordering="key")
    def version(self, plan: PublishedPlan) -> str:
        return str(plan)

    @display(description="Tenants", ordering="many")
    def tenants(self, plan: Any) -> int:
        return int(plan.many)

    @display(description="State", label={"Offered": "success", "Not what the file says": "danger"})
    def state(self, plan: PublishedPlan) -> str:
        return state_of(plan)

    def has_compare_permission(self, request: HttpRequest) -> bool:
        return bool(settings.STRIPE_API_KEY)

    @action(description="Compare with Stripe…", permissions=["compare"], url_path="compare")
    def compare(self, request: HttpRequest) -> HttpResponse:
        """Show what differs, and mend it."""
        try:
            steps = compare_plans()
        except DomainError as error:
            messages.error(request, error.detail)
            return redirect(PLANS)
        return self.ask(
            request,
            title="Bring the plans to Stripe",
            text="+ is made, ~ is changed, = is in order, ! is not what it was, at Stripe or in the files.",
            counted={f"{step.sign} {step.what}": step.text for step in sorted(steps, key=_in_order)},
            caption=f"{len(differing(steps)) or 'Nothing'} to do",
            do=(lambda _: synchronise_plans(actor=actor_of(request))) if differing(steps) else None,
            back=reverse(PLANS),
            then=PLANS,
        )


def _in_order(step: Step) -> bool:
    return step.sign is Sign.SAME

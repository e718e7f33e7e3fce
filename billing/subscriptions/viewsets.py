"""The API of what the workspace itself pays."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from billing.accounts.contracts import contract_of
from billing.accounts.upcoming import next_invoice
from billing.models import StripeInvoice
from billing.subscriptions import services
from billing.subscriptions.filters import StripeInvoiceFilters
from billing.subscriptions.serializers import (
    ChangePreviewSerializer,
    CheckoutSerializer,
    NextInvoiceSerializer,
    PlanChangeSerializer,
    PlanChoiceSerializer,
    PromotionCodeSerializer,
    StripeInvoiceDetailSerializer,
    StripeInvoiceSerializer,
    StripePortalSerializer,
    SubscriptionCancellationSerializer,
    SubscriptionSerializer,
    TaxIdSerializer,
)
from tenants.api.etags import digest, is_known
from tenants.api.renderers import dump_json
from tenants.api.serializers import NoInput
from tenants.api.viewsets import Shape, TenantView, TenantViewSet
from tenants.audit.actors import actor_of
from tenants.context import current_tenant


class SubscriptionView(TenantView):
    """The workspace's plan and subscription."""

    verbs = {"get": "billing:read"}
    http_method_names = ["get", "head"]
    output_class = SubscriptionSerializer

    def get(self, request: Request) -> Response:
        """Plan, state, dates, card, and what is open."""
        shown = self.answer(contract_of(current_tenant()))
        tag = f'"{digest(dump_json(shown.data))}"'
        known = is_known(tag, request.headers.get("If-None-Match"))
        return Response(None if known else shown.data, status=304 if known else 200, headers={"ETag": tag})


class NextInvoiceView(TenantView):
    """The next invoice before it is there."""

    verbs = {"get": "billing:read"}
    http_method_names = ["get", "head"]
    output_class = NextInvoiceSerializer

    def get(self, request: Request) -> Response:
        """The lines so far; 204 where nothing more will be charged."""
        found = next_invoice(contract_of(current_tenant()))
        return self.answer(found) if found else Response(status=204)


class Doing(TenantView):
    """Base: one verb about the subscription. For people who manage, by an access token; API tokens only read."""

    verbs = {"post": "billing:manage"}
    http_method_names = ["post"]
    output_class: ClassVar[Shape] = SubscriptionSerializer

    @property
    def who(self) -> dict[str, Any]:
        """For whom, and who asks."""
        return {"tenant": current_tenant(), "actor": actor_of(self.request)}

    def standing(self) -> Response:
        """How the subscription stands after it."""
        return self.answer(contract_of(current_tenant()))


class CheckoutView(Doing):
    """Where a subscription is bought."""

    input_class = PlanChoiceSerializer
    output_class = CheckoutSerializer

    def post(self, request: Request) -> Response:
        """A page at Stripe to subscribe to a plan; asked for again, the same one as long as it is open."""
        return self.answer(services.start_checkout(**self.who, **self.input()), status=201)


class PreviewChangeView(Doing):
    """What another plan would come to."""

    input_class = PlanChoiceSerializer
    output_class = ChangePreviewSerializer

    def post(self, request: Request) -> Response:
        """The lines of a change to a plan, worked out by Stripe, with a token to make it. Nothing is changed."""
        return self.answer(services.preview_change(tenant=current_tenant(), **self.input()))


class ChangeView(Doing):
    """Another plan."""

    input_class = PlanChangeSerializer

    def post(self, request: Request) -> Response:
        """Change the plan as the preview has shown: to a dearer one at once, to a cheaper one with the period."""
        services.change_plan(**self.who, **self.input())
        return self.standing()


class KeepPlanView(Doing):
    """The present plan, where another one was to follow."""

    input_class = NoInput

    def post(self, request: Request) -> Response:
        """Stay with the present plan."""
        self.input()
        services.drop_pending_change(**self.who)
        return self.standing()


class CancelView(Doing):
    """The end of the subscription."""

    input_class = SubscriptionCancellationSerializer

    def post(self, request: Request) -> Response:
        """End the subscription with its period; until then it can be resumed."""
        services.cancel(**self.who, **self.input())
        return self.standing()


class ResumeView(Doing):
    """A subscription that was to end."""

    input_class = NoInput

    def post(self, request: Request) -> Response:
        """Keep it."""
        self.input()
        services.resume(**self.who)
        return self.standing()


class ContinueOnFreeView(Doing):
    """The Free plan."""

    input_class = NoInput

    def post(self, request: Request) -> Response:
        """Go on with the Free plan after a subscription has ended, or instead of a trial."""
        self.input()
        services.continue_on_free(**self.who)
        return self.standing()


class StripePortalView(Doing):
    """Stripe's own pages for a customer."""

    input_class = NoInput
    output_class = StripePortalSerializer

    def post(self, request: Request) -> Response:
        """A page at Stripe to give another card."""
        self.input()
        return Response({"url": services.open_stripe_portal(**self.who)}, status=201)


class PromotionCodeView(Doing):
    """Promotion codes."""

    input_class = PromotionCodeSerializer

    def post(self, request: Request) -> Response:
        """Take something off the subscription by a code."""
        services.apply_promotion_code(**self.who, **self.input())
        return self.standing()


class TaxIdView(Doing):
    """The tax number that stands on invoices."""

    input_class = TaxIdSerializer

    def post(self, request: Request) -> Response:
        """Give it, in the place of another one; an empty value takes it away."""
        services.set_tax_id(**self.who, **self.input())
        return self.standing()


class StripeInvoiceViewSet(TenantViewSet):
    """What the workspace was charged. Invoices are written by Stripe; these are its own pages' addresses."""

    verbs = {"list": "billing:read", "retrieve": "billing:read"}
    http_method_names = ["get", "head"]
    queryset = StripeInvoice.objects.all()
    serializer_class = StripeInvoiceDetailSerializer
    outputs = {"list": StripeInvoiceSerializer}
    filterset_class = StripeInvoiceFilters
    search_fields = ("number",)
    ordering = ("-issued_at",)
    ordering_fields = ("issued_at",)

    def get_queryset(self) -> QuerySet[StripeInvoice]:
        rows = StripeInvoice.objects.filter(tenant=current_tenant().schema)
        return rows.defer("lines") if self.action == "list" else rows

"""What operators see of usage: rollups, the outbox, and where Stripe's count differs from ours."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action, display

from billing.models import Difference, Export
from billing.operators.corrections import CorrectionForm, correction_key
from billing.operators.money import stands
from billing.outbox import services
from billing.stripe.meters import gateway
from shared_apps.lifecycle.admin import Asking
from tenants.audit.actors import actor_of
from tenants.users.operators import ReadOnly

ROLLUPS = "operators:billing_rollup_changelist"
DIFFERENCES = "operators:billing_difference_changelist"
EXPORTS = "operators:billing_export_changelist"


class RollupAdmin(Asking, ReadOnly):
    """Hours of use as the ledger gives them."""

    list_display = ("hour", "tenant", "meter", "quantity", "revision", "sealed_quantity", "computed_at")
    list_filter = ("meter", "hour")
    search_fields = ("tenant",)
    fields = ("tenant", "meter", "hour", "quantity", "last_at", "revision", "sealed_quantity", "computed_at")
    actions_list = ("correct_usage",)

    @action(description="Correct usage…", url_path="correct")
    def correct_usage(self, request: HttpRequest) -> HttpResponse:
        """Add to what a tenant has used, or take from it."""
        return self.ask(
            request,
            title="Correct usage",
            text="It is written into the ledger beside what was counted. Its hour gets a revision, and Stripe is told "
            "the difference. The same correction sent twice counts once.",
            form=CorrectionForm(request.POST or None),
            do=lambda given: services.correct_usage(
                **given, key=correction_key(**given), actor=actor_of(request)
            ),
            back=reverse(ROLLUPS),
            then=ROLLUPS,
        )


class ExportAdmin(Asking, ReadOnly):
    """Messages to Stripe: what waits and for how long, what was refused and why."""

    list_display = ("hour", "tenant", "meter", "revision", "value", "state", "tries", "created_at")
    list_filter = ("status", "meter", "hour")
    search_fields = ("tenant", "identifier")
    fields = (
        "tenant", "meter", "hour", "revision", "amendment", "value", "at", "identifier", "status", "tries",
        "first_tried_at", "settled_at", "error", "created_at",
    )  # fmt: skip
    actions_detail = ("retry", "accept")

    @display(
        description="Status",
        ordering="status",
        label={
            "Waiting": "info",
            "Sent": "success",
            "Refused": "danger",
            "Unclear": "danger",
            "Invoiced apart": "warning",
        },
    )
    def state(self, export: Export) -> str:
        return export.get_status_display()

    def has_retry_permission(self, request: HttpRequest, object_id: str) -> bool:
        return stands(Export, object_id, services.RETRIED)

    def has_accept_permission(self, request: HttpRequest, object_id: str) -> bool:
        return stands(Export, object_id, (Export.Status.UNCLEAR,))

    @action(description="Send again…", permissions=["retry"], url_path="retry")
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Put a message back into the outbox."""
        return self.ask(
            request,
            title="Send this message again",
            text="It goes back into the outbox as if it had never been sent. Look at Stripe's count first.",
            do=lambda _: services.retry_export(export_id=UUID(object_id), actor=actor_of(request)),
            back=reverse(EXPORTS),
            then=EXPORTS,
        )

    @action(description="It was counted…", permissions=["accept"], url_path="accept")
    def accept(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Hold a message for counted."""
        return self.ask(
            request,
            title="Hold this message for counted",
            text="Nothing is sent. The next reconciliation compares the hour with Stripe's count.",
            do=lambda _: services.accept_export(export_id=UUID(object_id), actor=actor_of(request)),
            back=reverse(EXPORTS),
            then=EXPORTS,
        )


class DifferenceAdmin(Asking, ReadOnly):
    """Hours of which Stripe has another figure: what is open has to be corrected or dismissed by somebody."""

    list_display = ("found_at", "tenant", "meter", "hour", "kind", "expected", "found", "state", "settled_by")
    list_filter = ("status", "kind", "meter", "found_at")
    search_fields = ("tenant",)
    fields = (
        "tenant", "meter", "hour", "kind", "expected", "found", "status", "found_at", "settled_at", "settled_by",
    )  # fmt: skip
    actions_list = ("reconcile",)
    actions_detail = ("correct", "dismiss")

    @display(description="Status", ordering="status", label={"Open": "danger", "Corrected": "success"})
    def state(self, difference: Difference) -> str:
        return difference.get_status_display()

    def has_correct_permission(self, request: HttpRequest, object_id: str) -> bool:
        return stands(Difference, object_id, (Difference.Status.OPEN,))

    has_dismiss_permission = has_correct_permission

    def has_reconcile_permission(self, request: HttpRequest) -> bool:
        return gateway() is not None

    @action(description="Reconcile now…", permissions=["reconcile"], url_path="reconcile")
    def reconcile(self, request: HttpRequest) -> HttpResponse:
        """Compare the last two days."""
        begin, end = services.last_days(timezone.now())
        way = gateway()
        assert way is not None, "its permission asks for it"
        return self.ask(
            request,
            title="Reconcile the last two days",
            text="Every hour that was sent is compared with Stripe's count. Small differences are corrected at once.",
            do=lambda _: services.reconcile_usage(gateway=way, begin=begin, end=end, actor=actor_of(request)),
            back=reverse(DIFFERENCES),
            then=DIFFERENCES,
        )

    @action(description="Correct…", permissions=["correct"], url_path="correct")
    def correct(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Bring Stripe's figure to ours."""
        return self.ask(
            request,
            title="Correct Stripe's figure",
            text="A message with the difference goes into the outbox, dated within that hour.",
            do=lambda _: services.correct_difference(difference_id=UUID(object_id), actor=actor_of(request)),
            back=reverse(DIFFERENCES),
            then=DIFFERENCES,
        )

    @action(description="Dismiss…", permissions=["dismiss"], url_path="dismiss")
    def dismiss(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Leave it as it is."""
        return self.ask(
            request,
            title="Dismiss this difference",
            text="Stripe's figure stays as it is. The next reconciliation of that hour tells of it again.",
            do=lambda _: services.dismiss_difference(difference_id=UUID(object_id), actor=actor_of(request)),
            back=reverse(DIFFERENCES),
            then=DIFFERENCES,
        )

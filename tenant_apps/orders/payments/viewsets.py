"""The API of payments. They are made by the actions `pay` and `refund` of their order."""

from uuid import UUID

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenant_apps.orders.models import Payment
from tenant_apps.orders.payments.filters import PaymentFilters
from tenant_apps.orders.payments.serializers import OutcomeSerializer, PaymentSerializer
from tenant_apps.orders.payments.services import settle_payment
from tenants.api.viewsets import TenantViewSet


class PaymentViewSet(TenantViewSet):
    """Payments and refunds of all orders."""

    resource = "orders"
    queryset = Payment.objects.all()
    serializer_class = PaymentSerializer
    inputs = dict.fromkeys(("succeed", "fail"), OutcomeSerializer)
    filterset_class = PaymentFilters
    ordering_fields = ("created_at", "updated_at")
    search_fields = ("reference",)

    @action(detail=True, methods=["post"])
    def succeed(self, request: Request, **path: UUID) -> Response:
        """Note that pending money has arrived: it counts for its order from now on."""
        return self._settle(succeeded=True)

    @action(detail=True, methods=["post"])
    def fail(self, request: Request, **path: UUID) -> Response:
        """Note that pending money will not arrive; its order goes on as if it had never been sent."""
        return self._settle(succeeded=False)

    def _settle(self, *, succeeded: bool) -> Response:
        payment, values = self.get_object(), self.input()
        return self.answer(settle_payment(actor=self.actor, payment=payment, succeeded=succeeded, **values))

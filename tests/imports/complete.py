"""Whether a shop holds what a file says."""

from collections import Counter

from django.db import transaction
from django.db.models import Count, F, Max, Min, Sum

from tenant_apps.imports.models import Import, StagedLine
from tenant_apps.imports.running import counts
from tenant_apps.orders.models import Customer, Order, OrderCounter
from tenant_apps.products.models import Product
from tests.imports.files import Truth


def assert_complete(job: Import, truth: Truth) -> None:
    """The shop holds what the file says, to the cent and without a gap."""
    with transaction.atomic():
        assert (job.status, job.error, counts(job)) == ("done", "", truth.counts())
        assert Counter(job.rejected_rows.values_list("reason", flat=True)) == truth.reasons
        assert not StagedLine.objects.exists()
        totals = dict(Order.objects.values_list("external_reference", "total"))
        assert totals == truth.sales | truth.cancellations
        kinds = Counter(Order.objects.values_list("kind", flat=True))
        assert kinds == {"sale": len(truth.sales), "cancellation": len(truth.cancellations)}
        assert set(Product.objects.values_list("sku", flat=True)) == truth.skus
        assert set(Customer.objects.values_list("reference", flat=True)) == truth.customers
        assert_numbered_without_gaps(len(totals))
        assert_lines_make_up_their_orders()


def assert_numbered_without_gaps(orders: int) -> None:
    found = Order.objects.aggregate(
        least=Min("number"), most=Max("number"), all=Count("number", distinct=True)
    )
    assert found == {"least": 1, "most": orders, "all": orders}
    assert OrderCounter.objects.get().last == orders


def assert_lines_make_up_their_orders() -> None:
    wrong = Order.objects.annotate(sum=Sum("lines__total"), n=Count("lines"), last=Max("lines__position"))
    assert not wrong.exclude(sum=F("total"), n=F("last")).exists()

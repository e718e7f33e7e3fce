"""Orders and the table of an order's moves."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from tenant_apps.orders.breakdown import Breakdown, break_down
from tenant_apps.orders.customers.models import Customer
from tenant_apps.orders.fulfilments.models import Fulfilment, FulfilmentLine
from tenant_apps.orders.payments.models import Payment
from tenant_apps.orders.taxes.models import TaxRule, TaxSettings
from tenant_apps.orders.totals import ZERO
from tenant_apps.products.models import Product
from tenants.models import Record, uuid7

__all__ = [
    "Customer",
    "Fulfilment",
    "FulfilmentLine",
    "Order",
    "OrderCounter",
    "OrderLine",
    "Payment",
    "TaxRule",
    "TaxSettings",
]

COUNTER_ID: Final = UUID(int=1)


class OrderQuerySet(models.QuerySet["Order"]):
    def drafts(self) -> Self:
        """Orders that are still being written."""
        return self.filter(status=Order.Status.DRAFT)

    def placed(self) -> Self:
        """Orders that were placed, whatever has happened to them since."""
        return self.filter(placed_at__isnull=False)

    def open(self) -> Self:
        """Orders that hold stock: placed or paid, and the goods have not left."""
        return self.filter(status__in=[Order.Status.PLACED, Order.Status.PAID])

    def sales(self) -> Self:
        return self.filter(kind=Order.Kind.SALE)

    def with_customer(self) -> Self:
        return self.select_related("customer")

    def with_lines(self) -> Self:
        return self.prefetch_related("lines")


class Order(Record):
    """What a customer bought. A cancellation is a credit for goods given back, as imports bring them."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PLACED = "placed", "Placed"
        PAID = "paid", "Paid"
        FULFILLED = "fulfilled", "Fulfilled"
        CLOSED = "closed", "Closed"
        CANCELLED = "cancelled", "Cancelled"

    class Kind(models.TextChoices):
        SALE = "sale", "Sale"
        CANCELLATION = "cancellation", "Cancellation"

    class Source(models.TextChoices):
        PORTAL = "portal", "Portal"
        API = "api", "API"
        IMPORT = "import", "Import"

    class DiscountKind(models.TextChoices):
        AMOUNT = "amount", "Amount"
        PERCENT = "percent", "Per cent"

    class PaymentStatus(models.TextChoices):
        UNPAID = "unpaid", "Unpaid"
        PARTIAL = "partial", "Partly paid"
        PAID = "paid", "Paid"
        REFUNDED = "refunded", "Refunded"

    class FulfilmentStatus(models.TextChoices):
        UNFULFILLED = "unfulfilled", "Unfulfilled"
        PARTIAL = "partial", "Partly fulfilled"
        FULFILLED = "fulfilled", "Fulfilled"
        RETURNED = "returned", "Returned"

    number = models.BigIntegerField(null=True, blank=True, editable=False)
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.SALE)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, blank=True, related_name="orders", db_index=False
    )
    currency = models.CharField(max_length=3)
    payment_status = models.CharField(
        max_length=8, choices=PaymentStatus, default=PaymentStatus.UNPAID, db_default=PaymentStatus.UNPAID
    )
    fulfilment_status = models.CharField(
        max_length=11,
        choices=FulfilmentStatus,
        default=FulfilmentStatus.UNFULFILLED,
        db_default=FulfilmentStatus.UNFULFILLED,
    )
    # Amounts are as the prices of their order are: with tax where these include it.
    prices_include_tax = models.BooleanField(default=False, db_default=False)
    tax_country = models.CharField(max_length=2, blank=True, default="", db_default="")
    tax_region = models.CharField(max_length=100, blank=True, default="", db_default="")
    discount_kind = models.CharField(
        max_length=7, choices=DiscountKind, blank=True, default="", db_default=""
    )
    discount_value = models.DecimalField(max_digits=14, decimal_places=2, default=ZERO, db_default=ZERO)
    discount_reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    shipping_description = models.CharField(max_length=200, blank=True, default="", db_default="")
    shipping_tax_rate = models.DecimalField(max_digits=6, decimal_places=3, default=ZERO, db_default=ZERO)
    shipping_tax = models.DecimalField(max_digits=14, decimal_places=2, default=ZERO, db_default=ZERO)
    # Null on orders that were written before there were discounts and taxes: then it is the total.
    subtotal = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    discount_total = models.DecimalField(max_digits=14, decimal_places=2, default=ZERO, db_default=ZERO)
    shipping_total = models.DecimalField(max_digits=14, decimal_places=2, default=ZERO, db_default=ZERO)
    tax_total = models.DecimalField(max_digits=14, decimal_places=2, default=ZERO, db_default=ZERO)
    total = models.DecimalField(max_digits=14, decimal_places=2, default=ZERO)
    paid_total = models.DecimalField(max_digits=14, decimal_places=2, default=ZERO, db_default=ZERO)
    refunded_total = models.DecimalField(max_digits=14, decimal_places=2, default=ZERO, db_default=ZERO)
    # The price, after discount and with tax, of what had not left when the order was closed without it.
    unshipped_total = models.DecimalField(max_digits=14, decimal_places=2, default=ZERO, db_default=ZERO)
    tags = ArrayField(models.CharField(max_length=40), blank=True, default=list, db_default=[])
    # The customer's addresses at the moment of placing, as customers.addresses.snapshot_addresses has them.
    billing_address = models.JSONField(null=True, blank=True, editable=False)
    shipping_address = models.JSONField(null=True, blank=True, editable=False)
    note = models.TextField(blank=True, default="")
    source = models.CharField(max_length=10, choices=Source, default=Source.PORTAL)
    external_reference = models.CharField(max_length=64, null=True, blank=True)
    placed_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    fulfilled_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="orders_order_number_unique"),
            models.UniqueConstraint(fields=["external_reference"], name="orders_order_reference_unique"),
            models.CheckConstraint(condition=~Q(external_reference=""), name="orders_order_reference_given"),
            models.CheckConstraint(condition=Q(total__gte=0), name="orders_order_total_positive"),
            models.CheckConstraint(
                condition=Q(currency__regex="^[A-Z]{3}$"), name="orders_order_currency_iso"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["sale", "cancellation"]), name="orders_order_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "placed", "paid", "fulfilled", "closed", "cancelled"]),
                name="orders_order_status_known",
            ),
            models.CheckConstraint(
                condition=Q(source__in=["portal", "api", "import"]), name="orders_order_source_known"
            ),
            # A number is given when the order is placed, once and for ever: drafts have none, and only a
            # draft that was cancelled ends without one.
            models.CheckConstraint(
                condition=Q(status="draft", number__isnull=True, placed_at__isnull=True)
                | Q(status="cancelled", number__isnull=True, placed_at__isnull=True)
                | Q(number__isnull=False, number__gt=0, placed_at__isnull=False) & ~Q(status="draft"),
                name="orders_order_numbered_once_placed",
            ),
            # Drafts may be changed by the release before this one, which reckons without discount and tax.
            models.CheckConstraint(
                condition=Q(subtotal__isnull=True)
                | Q(status="draft")
                | Q(
                    prices_include_tax=False,
                    total=F("subtotal") - F("discount_total") + F("shipping_total") + F("tax_total"),
                )
                | Q(
                    prices_include_tax=True,
                    total=F("subtotal") - F("discount_total") + F("shipping_total"),
                ),
                name="orders_order_totals_add_up",
            ),
            models.CheckConstraint(
                condition=Q(
                    discount_total__gte=0,
                    shipping_total__gte=0,
                    tax_total__gte=0,
                    shipping_tax__gte=0,
                    shipping_tax__lte=F("tax_total"),
                    shipping_tax_rate__gte=0,
                    shipping_tax_rate__lte=100,
                )
                & (Q(subtotal__isnull=True) | Q(status="draft") | Q(discount_total__lte=F("subtotal"))),
                name="orders_order_amounts_sound",
            ),
            models.CheckConstraint(
                condition=Q(discount_kind="", discount_value=0)
                | Q(discount_kind="amount", discount_value__gt=0)
                | Q(discount_kind="percent", discount_value__gt=0, discount_value__lte=100),
                name="orders_order_discount_sound",
            ),
            models.CheckConstraint(
                condition=Q(refunded_total__gte=0, refunded_total__lte=F("paid_total")),
                name="orders_order_refunds_within_payments",
            ),
            models.CheckConstraint(
                condition=Q(payment_status="unpaid", paid_total=0)
                | Q(payment_status="paid", total=0, paid_total=0)
                | Q(payment_status__in=["partial", "paid"], refunded_total__lt=F("paid_total"))
                | Q(payment_status="refunded", paid_total__gt=0, refunded_total=F("paid_total")),
                name="orders_order_payment_status_right",
            ),
            models.CheckConstraint(
                condition=Q(unshipped_total=0)
                | Q(status="closed", unshipped_total__gt=0, unshipped_total__lte=F("total")),
                name="orders_order_unshipped_once_closed",
            ),
            models.CheckConstraint(
                condition=Q(fulfilment_status__in=["unfulfilled", "partial", "fulfilled", "returned"]),
                name="orders_order_fulfilment_status_known",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="orders_order_created"),
            models.Index(fields=["status", "-created_at", "-id"], name="orders_order_status"),
            models.Index(fields=["customer", "-created_at", "-id"], name="orders_order_customer"),
            models.Index(fields=["-updated_at", "-id"], name="orders_order_updated"),
            models.Index(fields=["-placed_at", "-id"], name="orders_order_placed"),
            models.Index(fields=["total", "id"], name="orders_order_total"),
            models.Index(fields=["payment_status", "-created_at", "-id"], name="orders_order_payment_status"),
            models.Index(
                fields=["fulfilment_status", "-created_at", "-id"], name="orders_order_fulfil_status"
            ),
            GinIndex(fields=["tags"], name="orders_order_tags"),
            GinIndex(
                OpClass(Upper("external_reference"), "gin_trgm_ops"),
                name="orders_order_reference_part",
                condition=Q(external_reference__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Order {self.number}" if self.number else "Draft order"

    def can(self, move: Move) -> bool:
        """Whether the move starts from this order's status."""
        return self.kind == self.Kind.SALE and TRANSITIONS[move].starts_from(self)

    @property
    def actions(self) -> list[Move]:
        """The moves that this order can make now."""
        return [move for move in TRANSITIONS if TRANSITIONS[move].is_chosen and self.can(move)]

    def breakdown(self) -> Breakdown:
        """The order in money: lines, discount, shipping, taxes by rate, what is paid and what is due."""
        return break_down(self)

    @property
    def deliveries(self) -> list[Fulfilment]:
        """Deliveries and returns with their lines, the newest first."""
        found = list(self.fulfilments.all())
        models.prefetch_related_objects(found, "lines")
        return found

    @property
    def line_total(self) -> Decimal:
        """The sum of the lines before discount."""
        return self.total if self.subtotal is None else self.subtotal

    @property
    def balance(self) -> Decimal:
        """What was received and not given back."""
        return self.paid_total - self.refunded_total

    @property
    def due(self) -> Decimal:
        """What has to be paid yet; nothing on drafts, nor on what was called off."""
        return max(self.total - self.balance, ZERO) if self.status == self.Status.PLACED else ZERO

    @property
    def refund_due(self) -> Decimal:
        """What was paid beyond what the customer gets: all of it once the order was cancelled."""
        if self.status == self.Status.CANCELLED:
            return self.balance
        return max(self.balance - (self.total - self.unshipped_total), ZERO)

    @property
    def kept_total(self) -> Decimal:
        """What the order brings: its total less what was given back, by the rule of `payments.counting`."""
        if self.status == self.Status.PLACED:
            return self.total
        overpaid = max(self.paid_total - self.total, ZERO)
        return self.total - max(self.refunded_total - overpaid, ZERO)

    @property
    def is_editable(self) -> bool:
        return self.status == self.Status.DRAFT

    @property
    def is_cancellable(self) -> bool:
        return self.can(Move.CANCEL)

    @property
    def holds_stock(self) -> bool:
        return self.kind == self.Kind.SALE and self.status in {self.Status.PLACED, self.Status.PAID}

    @property
    def is_revisable(self) -> bool:
        """Whether lines, discount and delivery can still be changed though it was placed: nothing has left."""
        return self.holds_stock and self.fulfilment_status == self.FulfilmentStatus.UNFULFILLED

    @property
    def is_returnable(self) -> bool:
        """Whether goods that have left can come back."""
        left = {self.FulfilmentStatus.PARTIAL, self.FulfilmentStatus.FULFILLED}
        return self.kind == self.Kind.SALE and self.fulfilment_status in left

    @property
    def is_refundable(self) -> bool:
        """Whether money that came in can go back."""
        return self.kind == self.Kind.SALE and self.balance > 0

    @property
    def stock_source(self) -> str:
        """What the stock ledger calls this order."""
        return f"order:{self.number}"


class Move(models.TextChoices):
    PLACE = "place", "Place"
    PAY = "pay", "Pay in full"
    REOPEN = "reopen", "Wait for payment again"
    FULFIL = "fulfil", "Fulfil"
    CLOSE = "close", "Close"
    CLOSE_SHORT = "close_short", "Close without the rest"
    CANCEL = "cancel", "Cancel"


@dataclass(frozen=True)
class Transition:
    """From where a move may start, where it ends, and which time it stamps. Some are nobody's to choose.

    `goods` narrows the sources to orders whose goods are so far.
    """

    sources: frozenset[str]
    target: str
    stamp: str
    is_chosen: bool = True
    goods: frozenset[str] = frozenset(Order.FulfilmentStatus.values)

    def starts_from(self, order: Order) -> bool:
        """Whether an order stands where the move begins."""
        return order.status in self.sources and order.fulfilment_status in self.goods


TRANSITIONS: dict[Move, Transition] = {
    Move.PLACE: Transition(frozenset({Order.Status.DRAFT}), Order.Status.PLACED, "placed_at"),
    Move.PAY: Transition(frozenset({Order.Status.PLACED}), Order.Status.PAID, "paid_at"),
    # Money is owed again: an edit made the order dearer, or a payment was given back before the goods left.
    Move.REOPEN: Transition(frozenset({Order.Status.PAID}), Order.Status.PLACED, "", is_chosen=False),
    Move.FULFIL: Transition(frozenset({Order.Status.PAID}), Order.Status.FULFILLED, "fulfilled_at"),
    Move.CLOSE: Transition(frozenset({Order.Status.FULFILLED}), Order.Status.CLOSED, "closed_at"),
    # The rest never leaves: it can be sold again, and what was paid for it is owed to the customer.
    Move.CLOSE_SHORT: Transition(
        frozenset({Order.Status.PAID}),
        Order.Status.CLOSED,
        "closed_at",
        goods=frozenset({Order.FulfilmentStatus.PARTIAL}),
    ),
    Move.CANCEL: Transition(
        frozenset({Order.Status.DRAFT, Order.Status.PLACED, Order.Status.PAID}),
        Order.Status.CANCELLED,
        "cancelled_at",
    ),
}


class OrderLine(models.Model):
    """One position of an order at the price of its moment. Never changed: drafts replace their lines."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", db_index=False)
    position = models.IntegerField()
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="order_lines", db_index=False)
    sku = models.CharField("SKU", max_length=64)
    description = models.CharField(max_length=200)
    quantity = models.IntegerField()
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)
    total = models.DecimalField(max_digits=14, decimal_places=2)
    discount = models.DecimalField(max_digits=14, decimal_places=2, default=ZERO, db_default=ZERO)
    tax_rate = models.DecimalField(max_digits=6, decimal_places=3, default=ZERO, db_default=ZERO)
    tax = models.DecimalField(max_digits=14, decimal_places=2, default=ZERO, db_default=ZERO)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="orders_line_position_unique"),
            models.CheckConstraint(condition=Q(position__gt=0), name="orders_line_position_positive"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="orders_line_quantity_positive"),
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="orders_line_price_positive"),
            models.CheckConstraint(
                condition=Q(total=F("unit_price") * F("quantity")), name="orders_line_total_right"
            ),
            models.CheckConstraint(
                condition=Q(
                    discount__gte=0,
                    discount__lte=F("total"),
                    tax__gte=0,
                    tax_rate__gte=0,
                    tax_rate__lte=100,
                ),
                name="orders_line_discount_and_tax_sound",
            ),
        ]
        indexes = [models.Index(fields=["product"], name="orders_line_product")]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"

    @property
    def net(self) -> Decimal:
        """What it costs after discount, without tax."""
        charged = self.total - self.discount
        return charged - self.tax if self.order.prices_include_tax else charged

    @property
    def gross(self) -> Decimal:
        """What it costs after discount, with tax."""
        return self.net + self.tax


class OrderCounter(models.Model):
    """The last order number given. One row, locked by each placing transaction, hence without gaps."""

    id = models.UUIDField(primary_key=True, default=COUNTER_ID, editable=False)
    last = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=COUNTER_ID), name="orders_counter_single"),
            models.CheckConstraint(condition=Q(last__gte=0), name="orders_counter_positive"),
        ]

    def __str__(self) -> str:
        return f"Last order number {self.last}"

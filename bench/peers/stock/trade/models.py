"""What our tenants have besides products, as a stock project would have it: the same tables, with its usual keys."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from bench.peers.stock.shop.models import Product


class Customer(models.Model):
    reference = models.CharField(max_length=64, null=True, unique=True)
    name = models.CharField(max_length=200, db_index=True)
    email = models.EmailField(blank=True, db_index=True)
    phone = models.CharField(max_length=40, blank=True)
    country = models.CharField(max_length=60, blank=True)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)


class OrderCounter(models.Model):
    last = models.BigIntegerField(default=0)


class TaxSettings(models.Model):
    prices_include_tax = models.BooleanField(default=False)
    country = models.CharField(max_length=2, blank=True)
    region = models.CharField(max_length=100, blank=True)


class TaxRule(models.Model):
    name = models.CharField(max_length=60)
    country = models.CharField(max_length=2, blank=True, db_index=True)
    region = models.CharField(max_length=100, blank=True)
    tax_class = models.CharField(max_length=10, blank=True)
    rate = models.DecimalField(max_digits=6, decimal_places=3)
    valid_from = models.DateField()


def amount() -> Any:
    return models.DecimalField(max_digits=14, decimal_places=2, default=Decimal("0.00"))


class Order(models.Model):
    number = models.BigIntegerField(null=True, unique=True)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT)
    kind = models.CharField(max_length=12, default="sale")
    status = models.CharField(max_length=10, db_index=True)
    payment_status = models.CharField(max_length=8, default="unpaid", db_index=True)
    fulfilment_status = models.CharField(max_length=11, default="unfulfilled", db_index=True)
    currency = models.CharField(max_length=3)
    prices_include_tax = models.BooleanField(default=False)
    tax_country = models.CharField(max_length=2, blank=True)
    tax_region = models.CharField(max_length=100, blank=True)
    discount_kind = models.CharField(max_length=7, blank=True)
    discount_value = amount()
    discount_reason = models.CharField(max_length=200, blank=True)
    discount_total = amount()
    shipping_description = models.CharField(max_length=200, blank=True)
    shipping_tax_rate = models.DecimalField(max_digits=6, decimal_places=3, default=Decimal("0.000"))
    shipping_tax = amount()
    shipping_total = amount()
    subtotal = amount()
    tax_total = amount()
    total = models.DecimalField(max_digits=14, decimal_places=2)
    paid_total = amount()
    refunded_total = amount()
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    billing_address = models.JSONField(null=True, blank=True)
    shipping_address = models.JSONField(null=True, blank=True)
    note = models.TextField(blank=True)
    source = models.CharField(max_length=10, default="api")
    external_reference = models.CharField(max_length=64, null=True, unique=True)
    placed_at = models.DateTimeField(null=True, db_index=True)
    paid_at = models.DateTimeField(null=True)
    fulfilled_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)

    @property
    def due(self) -> Decimal:
        if self.status != "placed":
            return Decimal("0.00")
        return max(self.total - self.paid_total + self.refunded_total, Decimal("0.00"))

    @property
    def refund_due(self) -> Decimal:
        return max(self.paid_total - self.refunded_total - self.total, Decimal("0.00"))


class OrderLine(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE)
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    position = models.IntegerField()
    sku = models.CharField(max_length=64)
    description = models.CharField(max_length=200)
    quantity = models.IntegerField()
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)
    total = models.DecimalField(max_digits=14, decimal_places=2)
    discount = amount()
    tax_rate = models.DecimalField(max_digits=6, decimal_places=3, default=Decimal("0.000"))
    tax = amount()

    class Meta:
        unique_together = [("order", "position")]

    @property
    def net(self) -> Decimal:
        charged = self.total - self.discount
        return charged - self.tax if self.order.prices_include_tax else charged

    @property
    def gross(self) -> Decimal:
        return self.net + self.tax


class Payment(models.Model):
    order = models.ForeignKey(Order, related_name="payments", on_delete=models.CASCADE)
    kind = models.CharField(max_length=10)
    status = models.CharField(max_length=10)
    method = models.CharField(max_length=20)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    reference = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)


class Fulfilment(models.Model):
    order = models.ForeignKey(Order, related_name="fulfilments", on_delete=models.CASCADE)
    direction = models.CharField(max_length=10)
    carrier = models.CharField(max_length=100, blank=True)
    tracking_number = models.CharField(max_length=100, blank=True)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)


class StockMovement(models.Model):
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    reason = models.CharField(max_length=12)
    on_hand_change = models.IntegerField()
    reserved_change = models.IntegerField()
    note = models.CharField(max_length=500, blank=True)
    source = models.CharField(max_length=100, blank=True, db_index=True)
    at = models.DateTimeField(auto_now_add=True, db_index=True)


class Import(models.Model):
    status = models.CharField(max_length=12, db_index=True)
    file_name = models.CharField(max_length=200)
    mapping = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    rows_read = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)


class StagedLine(models.Model):
    job = models.ForeignKey(Import, on_delete=models.CASCADE)
    line = models.BigIntegerField()
    invoice = models.CharField(max_length=64, db_index=True)
    sku = models.CharField(max_length=64)
    quantity = models.IntegerField()
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)
    placed_at = models.DateTimeField()


class RejectedRow(models.Model):
    job = models.ForeignKey(Import, on_delete=models.CASCADE)
    line = models.BigIntegerField()
    reason = models.CharField(max_length=40)
    fields = models.JSONField(default=dict)

    class Meta:
        unique_together = [("job", "line")]


class ApiToken(models.Model):
    name = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    expires_at = models.DateTimeField(null=True)


class AuditEntry(models.Model):
    at = models.DateTimeField(auto_now_add=True)
    actor = models.CharField(max_length=254)
    verb = models.CharField(max_length=64)
    target_id = models.CharField(max_length=64, db_index=True)
    data = models.JSONField(default=dict)

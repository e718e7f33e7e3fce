"""What our tenants have besides products, as a stock project would have it: the same tables, with its usual keys."""

from django.conf import settings
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


class Order(models.Model):
    number = models.BigIntegerField(null=True, unique=True)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT)
    kind = models.CharField(max_length=12, default="sale")
    status = models.CharField(max_length=10, db_index=True)
    currency = models.CharField(max_length=3)
    total = models.DecimalField(max_digits=14, decimal_places=2)
    note = models.TextField(blank=True)
    external_reference = models.CharField(max_length=64, null=True, unique=True)
    placed_at = models.DateTimeField(null=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)


class OrderLine(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE)
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    position = models.IntegerField()
    sku = models.CharField(max_length=64)
    description = models.CharField(max_length=200)
    quantity = models.IntegerField()
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)
    total = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        unique_together = [("order", "position")]


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

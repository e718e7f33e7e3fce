"""Tax rules, and how a tenant reckons tax."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from tenants.models import Record

SETTINGS_ID: Final = UUID(int=2)


class TaxRule(Record):
    """A rate for a place and a tax class from a day on. What is empty holds for all: every place, every class."""

    class TaxClass(models.TextChoices):
        STANDARD = "standard", "Standard"
        REDUCED = "reduced", "Reduced"
        ZERO = "zero", "Zero-rated"
        SHIPPING = "shipping", "Shipping"

    name = models.CharField(max_length=60)
    country = models.CharField(max_length=2, blank=True, default="")
    region = models.CharField(max_length=100, blank=True, default="")
    tax_class = models.CharField(max_length=10, choices=TaxClass, blank=True, default="")
    rate = models.DecimalField(max_digits=6, decimal_places=3)
    valid_from = models.DateField()

    class Meta:
        ordering = ["country", "region", "tax_class", "-valid_from", "id"]
        constraints = [
            models.UniqueConstraint(
                "country", Lower("region"), "tax_class", "valid_from", name="orders_taxrule_once"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="orders_taxrule_name_given"),
            models.CheckConstraint(condition=Q(rate__gte=0, rate__lte=100), name="orders_taxrule_rate_valid"),
            models.CheckConstraint(
                condition=Q(country="") | Q(country__regex="^[A-Z]{2}$"), name="orders_taxrule_country_iso"
            ),
            models.CheckConstraint(
                condition=Q(region="") | ~Q(country=""), name="orders_taxrule_region_in_country"
            ),
            models.CheckConstraint(
                condition=Q(tax_class__in=["", "standard", "reduced", "zero", "shipping"]),
                name="orders_taxrule_class_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["country", "region", "tax_class", "-valid_from", "id"], name="orders_taxrule_place"
            ),
            models.Index(fields=["-created_at", "-id"], name="orders_taxrule_created"),
            models.Index(fields=["-updated_at", "-id"], name="orders_taxrule_updated"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.rate.normalize():f} %"

    @property
    def place(self) -> str:
        """Where the rule holds, in words."""
        return ", ".join(filter(None, (self.region, self.country))) or "Everywhere"


class TaxSettings(models.Model):
    """How a tenant reckons tax; one row. The place is where orders are taxed that name no other."""

    id = models.UUIDField(primary_key=True, default=SETTINGS_ID, editable=False)
    prices_include_tax = models.BooleanField(default=False)
    country = models.CharField(max_length=2, blank=True, default="")
    region = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        verbose_name_plural = "tax settings"
        constraints = [
            models.CheckConstraint(condition=Q(id=SETTINGS_ID), name="orders_taxsettings_single"),
            models.CheckConstraint(
                condition=Q(country="") | Q(country__regex="^[A-Z]{2}$"),
                name="orders_taxsettings_country_iso",
            ),
            models.CheckConstraint(
                condition=Q(region="") | ~Q(country=""), name="orders_taxsettings_region_in_country"
            ),
        ]

    def __str__(self) -> str:
        return f"Prices {'include' if self.prices_include_tax else 'exclude'} tax"

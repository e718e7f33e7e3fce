"""Customers, their addresses and what was noted about them."""

from __future__ import annotations

from typing import Final, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from tenants.models import Record
from tenants.searching import joined, plain_words

# What customers are found by, and what of it may be mistyped.
WORDS: Final = ("name", "company", "email", "reference", "country")
TYPOS: Final = ("name", "company", "email")


class CustomerQuerySet(models.QuerySet["Customer"]):
    def known(self) -> Self:
        """Everyone but those who were merged into another one."""
        return self.filter(merged_into=None)

    def listed(self) -> Self:
        """Those whom people look for: neither merged away nor erased."""
        return self.known().filter(erased_at=None)


class Customer(Record):
    """Someone who buys from a tenant. `reference` is the id that another system knows them by.

    One that was merged stays as a signpost to the survivor; one that was erased stays as a name for its orders.
    """

    reference = models.CharField(max_length=64, null=True, blank=True)
    name = models.CharField(max_length=200)
    company = models.CharField(max_length=200, blank=True, default="", db_default="")
    email = models.EmailField(max_length=254, blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    country = models.CharField(max_length=60, blank=True, default="")
    vat_id = models.CharField("VAT id", max_length=20, blank=True, default="", db_default="")
    language = models.CharField(max_length=10, blank=True, default="", db_default="")
    tags = ArrayField(models.CharField(max_length=40), blank=True, default=list, db_default=[])
    note = models.TextField(blank=True, default="")
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="absorbed",
        db_index=False,
    )
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["reference"], name="orders_customer_reference_unique"),
            models.CheckConstraint(condition=~Q(reference=""), name="orders_customer_reference_given"),
            models.CheckConstraint(condition=~Q(name=""), name="orders_customer_name_given"),
            models.CheckConstraint(
                condition=~Q(merged_into=F("id")), name="orders_customer_merged_elsewhere"
            ),
            models.CheckConstraint(
                condition=Q(erased_at=None)
                | Q(email="", phone="", company="", vat_id="", note="", reference=None),
                name="orders_customer_erased_wholly",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="orders_customer_created"),
            models.Index(fields=["-updated_at", "-id"], name="orders_customer_updated"),
            models.Index(fields=["name", "id"], name="orders_customer_name"),
            models.Index(Upper("email"), name="orders_customer_any_email"),
            models.Index(
                fields=["merged_into"], name="orders_customer_merged", condition=Q(merged_into__isnull=False)
            ),
            GinIndex(fields=["tags"], name="orders_customer_tags"),
            GinIndex(plain_words(*WORDS), name="orders_customer_words"),
            GinIndex(OpClass(joined(*TYPOS), "gin_trgm_ops"), name="orders_customer_typos"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_merged(self) -> bool:
        return self.merged_into_id is not None

    @property
    def is_erased(self) -> bool:
        return self.erased_at is not None


class Address(Record):
    """Where a customer's invoices or goods go."""

    class Kind(models.TextChoices):
        BILLING = "billing", "Billing"
        SHIPPING = "shipping", "Shipping"
        BOTH = "both", "Billing and shipping"

    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="addresses", db_index=False, editable=False
    )
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.BOTH)
    is_default = models.BooleanField(default=False)
    name = models.CharField(max_length=200, blank=True, default="")
    company = models.CharField(max_length=200, blank=True, default="")
    line1 = models.CharField("Address", max_length=200)
    line2 = models.CharField("Address, second line", max_length=200, blank=True, default="")
    postal_code = models.CharField(max_length=20, blank=True, default="")
    city = models.CharField(max_length=100)
    region = models.CharField(max_length=100, blank=True, default="")
    country = models.CharField(max_length=2)
    phone = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        ordering = ["created_at", "id"]
        verbose_name_plural = "addresses"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["billing", "shipping", "both"]), name="orders_address_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(country__regex="^[A-Z]{2}$"), name="orders_address_country_iso"
            ),
            models.CheckConstraint(condition=~Q(line1="") & ~Q(city=""), name="orders_address_complete"),
            # One address for both is the default of both, so it keeps either kind from having another.
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(is_default=True, kind__in=["billing", "both"]),
                name="orders_address_default_billing",
            ),
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(is_default=True, kind__in=["shipping", "both"]),
                name="orders_address_default_shipping",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "created_at", "id"], name="orders_address_customer"),
            models.Index(fields=["customer", "updated_at", "id"], name="orders_address_updated"),
        ]

    def __str__(self) -> str:
        return ", ".join(filter(None, [self.line1, self.postal_code, self.city, self.country]))

    @property
    def serves(self) -> frozenset[str]:
        """The kinds of letter that go here."""
        return KINDS if self.kind == self.Kind.BOTH else frozenset({self.kind})


KINDS = frozenset({Address.Kind.BILLING.value, Address.Kind.SHIPPING.value})


class CustomerNote(Record):
    """What somebody wrote down about a customer. Never edited: it is added, or taken away."""

    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="notes", db_index=False, editable=False
    )
    text = models.TextField()
    author_label = models.CharField("Author", max_length=254, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = "note"
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="orders_note_given")]
        indexes = [
            models.Index(fields=["customer", "-created_at", "-id"], name="orders_note_customer"),
            models.Index(fields=["customer", "-updated_at", "-id"], name="orders_note_updated"),
        ]

    def __str__(self) -> str:
        return f"Note of {self.created_at:%Y-%m-%d}"

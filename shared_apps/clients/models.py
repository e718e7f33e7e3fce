"""The tenants themselves, their host names, and the version that tells every process when either changed."""

from typing import ClassVar, Final, Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django_tenants.models import TenantMixin

from tenants.models import Record

# Where they are explained: tenants/status.py.
STATUSES: Final = ["provisioning", "active", "maintenance", "suspended", "archived", "deleting"]
ACCESSES: Final = ["full", "grace", "read_only", "closed"]


class ClientQuerySet(models.QuerySet["Client"]):
    def active(self) -> Self:
        """Clients whose doors are open."""
        return self.filter(status=Client.Status.ACTIVE)


class Client(Record, TenantMixin):
    """A tenant: one customer of the platform with one schema. Made by `sign_up`, never by saving a row."""

    class Status(models.TextChoices):
        PROVISIONING = "provisioning", "Being set up"
        ACTIVE = "active", "Active"
        MAINTENANCE = "maintenance", "In maintenance"
        SUSPENDED = "suspended", "Suspended"
        ARCHIVED = "archived", "Archived"
        DELETING = "deleting", "Being deleted"

    class Access(models.TextChoices):
        """What its payments allow; a dimension of its own beside the status, which is the operators'."""

        FULL = "full", "Full"
        GRACE = "grace", "Full, for a time of grace"
        READ_ONLY = "read_only", "Read-only"
        CLOSED = "closed", "Closed but for its bills"

    class Plan(models.TextChoices):
        """The plans' keys. What each version of one holds is known to billing."""

        FREE = "free", "Free"
        TEAM = "team", "Team"
        BUSINESS = "business", "Business"

    name = models.CharField(max_length=120)
    subdomain = models.CharField(max_length=63)
    # What the eye confuses is made equal here: two tenants may not differ by l and 1 alone.
    lookalike = models.CharField(max_length=63, editable=False)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    status_since = models.DateTimeField(default=timezone.now)
    suspension_reason = models.CharField(max_length=300, blank=True)
    # What people read while the doors are closed for maintenance.
    notice = models.CharField(max_length=300, blank=True)
    delete_after = models.DateTimeField(null=True, blank=True)
    sandbox_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="sandboxes"
    )
    plan = models.CharField(max_length=16, default=Plan.FREE)
    plan_version = models.SmallIntegerField(default=1, db_default=1)
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    access = models.CharField(
        max_length=16, choices=Access.choices, default=Access.FULL, db_default=Access.FULL
    )
    # Read by the tenant's people, under a heading that says what is closed.
    access_reason = models.CharField(max_length=300, blank=True, default="", db_default="")
    access_since = models.DateTimeField(null=True, blank=True)
    access_until = models.DateTimeField(null=True, blank=True)
    locale = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=64, default="UTC")
    currency = models.CharField(max_length=3, default="EUR")

    objects = ClientQuerySet.as_manager()

    auto_create_schema: ClassVar[bool] = False
    auto_drop_schema: ClassVar[bool] = False

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["subdomain"], name="clients_client_subdomain_unique"),
            models.UniqueConstraint(fields=["lookalike"], name="clients_client_lookalike_unique"),
            models.CheckConstraint(
                condition=models.Q(status__in=STATUSES), name="clients_client_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(status="deleting", delete_after__isnull=False)
                | ~models.Q(status="deleting") & models.Q(delete_after__isnull=True),
                name="clients_client_delete_after",
            ),
            models.CheckConstraint(
                condition=models.Q(access__in=ACCESSES), name="clients_client_access_known"
            ),
            models.CheckConstraint(
                condition=models.Q(plan_version__gte=1), name="clients_client_plan_version_counts"
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-created_at"], name="clients_client_status"),
            models.Index(
                fields=["access", "-created_at"],
                condition=~models.Q(access="full"),
                name="clients_client_access",
            ),
            models.Index(
                fields=["trial_ends_at"],
                condition=models.Q(trial_ends_at__isnull=False),
                name="clients_client_trial_ends_at",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def host(self) -> str:
        """The host name of the tenant's portal and API."""
        return f"{self.subdomain}.{settings.PUBLIC_HOST}"

    @property
    def is_suspended(self) -> bool:
        return self.status == self.Status.SUSPENDED


class Domain(Record):
    """A host name that leads to a tenant; only verified names are ever answered."""

    domain = models.CharField(max_length=253, unique=True)
    tenant = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="domains")
    is_primary = models.BooleanField(default=True)
    verified_at = models.DateTimeField(null=True, default=timezone.now)

    class Meta:
        ordering = ["domain"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"], condition=models.Q(is_primary=True), name="clients_domain_one_primary"
            ),
        ]

    def __str__(self) -> str:
        return self.domain


class DirectoryVersion(models.Model):
    """One row, raised in the transaction of every change to a client or a domain."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    version = models.BigIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="clients_directoryversion_single"),
        ]


class ReleasedName(Record):
    """A host name in quarantine: whoever had it last may take it back, nobody else until it has cooled off."""

    name = models.CharField(max_length=253, unique=True)
    last_tenant_id = models.UUIDField()
    until = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(fields=["until"], name="clients_releasedname_until")]

    def __str__(self) -> str:
        return self.name

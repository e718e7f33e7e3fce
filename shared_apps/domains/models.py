"""Names that tenants want to be reached by, with what was found out about each."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

import idna
from django.conf import settings
from django.db import models
from django.utils import timezone

from shared_apps.clients.models import Client, Domain
from tenants.models import Record

CHALLENGE: Final = "_rowhouse-challenge"
GOOD_FOR: Final = timedelta(days=7)
# An expired claim stays in sight for as long again, and can be renewed.
KEPT_EXPIRED: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """What an owner puts into the DNS."""

    kind: str
    name: str
    value: str


def new_token() -> str:
    """What only the asker of this one claim is told: 160 random bits, in letters that every DNS panel keeps."""
    return secrets.token_hex(20)


def in_a_week() -> datetime:
    """When a claim that nobody has proven ends."""
    return timezone.now() + GOOD_FOR


class ClaimQuerySet(models.QuerySet["Claim"]):
    def of(self, tenant_id: object) -> Self:
        """The claims of one tenant. The table is in `public`: nothing but this keeps tenants apart in it."""
        return self.filter(tenant_id=tenant_id)

    def waiting(self) -> Self:
        """Claims that may still be proven."""
        return self.filter(held__isnull=True, expires_at__gt=timezone.now())

    def held_ones(self) -> Self:
        """Claims that were proven and lead to their tenant."""
        return self.filter(held__isnull=False)

    def due(self) -> Self:
        """Claims to be looked at now."""
        alive = models.Q(held__isnull=False) | models.Q(expires_at__gt=timezone.now())
        return self.filter(alive, next_check_at__lte=timezone.now())


class Claim(Record):
    """A tenant's wish to be reached by a name of its own, and, once it is proven, the record of its daily checks.

    Several tenants may claim one name; who proves first gets the `Domain`, which is unique.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for proof"
        EXPIRED = "expired", "Expired"
        VERIFIED = "verified", "Verified, not pointing here"
        POINTING = "pointing", "Ready"
        PRIMARY = "primary", "Primary"
        DANGLING = "dangling", "Dangling"

    tenant = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="claims")
    domain = models.CharField(max_length=253)
    token = models.CharField(max_length=64, default=new_token, editable=False)
    expires_at = models.DateTimeField(default=in_a_week)
    held = models.OneToOneField(
        Domain, null=True, blank=True, on_delete=models.SET_NULL, related_name="claim", editable=False
    )
    # When somebody pressed "check now", and when the name servers were last asked.
    asked_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    next_check_at = models.DateTimeField(default=timezone.now)
    checks = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=500, blank=True)
    is_pointing = models.BooleanField(default=False)
    # When it was last seen to lead here; a name that never did is not missed.
    pointed_at = models.DateTimeField(null=True, blank=True)
    pointing_problem = models.CharField(max_length=500, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)

    objects = ClaimQuerySet.as_manager()

    class Meta:
        ordering = ["domain"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "domain"], name="domains_claim_once_a_tenant"),
        ]
        indexes = [
            models.Index(fields=["next_check_at"], name="domains_claim_due"),
            models.Index(fields=["domain"], name="domains_claim_domain"),
        ]

    def __str__(self) -> str:
        return self.domain

    @property
    def spoken(self) -> str:
        """The name as people read it: letters of their script instead of punycode."""
        try:
            return idna.decode(self.domain)
        except idna.IDNAError:
            return self.domain

    @property
    def challenge(self) -> str:
        """The name whose TXT record proves the claim."""
        return f"{CHALLENGE}.{self.domain}"

    @property
    def proof(self) -> str:
        """The whole value of that TXT record."""
        return f"rowhouse-verify={self.token}"

    @property
    def records(self) -> list[DnsRecord]:
        """The records that a name needs: who owns it, and where it leads."""
        return [
            DnsRecord("TXT", self.challenge, self.proof),
            DnsRecord("CNAME", self.domain, settings.CUSTOM_DOMAIN_TARGET),
        ]

    @property
    def is_held(self) -> bool:
        return self.held_id is not None

    @property
    def is_primary(self) -> bool:
        return self.held is not None and self.held.is_primary

    @property
    def is_waiting(self) -> bool:
        return not self.is_held and self.expires_at > timezone.now()

    @property
    def is_dangling(self) -> bool:
        return self.is_held and self.failing_since is not None

    @property
    def drops_at(self) -> datetime | None:
        """When a name that goes on failing is taken back."""
        return self.failing_since + settings.DOMAIN_GRACE if self.failing_since else None

    @property
    def may_be_primary(self) -> bool:
        """Whether visitors who are sent there would arrive."""
        return self.is_held and self.is_pointing and not self.is_dangling and not self.is_primary

    @property
    def is_being_checked(self) -> bool:
        """Whether a check was asked for a moment ago and has not been made yet."""
        if self.asked_at is None or self.asked_at < timezone.now() - timedelta(minutes=1):
            return False
        return self.checked_at is None or self.checked_at < self.asked_at

    @property
    def state(self) -> "Claim.State":
        """The one word for all of this."""
        if not self.is_held:
            return self.State.WAITING if self.is_waiting else self.State.EXPIRED
        if self.is_dangling:
            return self.State.DANGLING
        if self.is_primary:
            return self.State.PRIMARY
        return self.State.POINTING if self.is_pointing else self.State.VERIFIED

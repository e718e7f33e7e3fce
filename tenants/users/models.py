"""People and API tokens. In a tenant's schema they are its people, in `public` the platform's operators."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar, Self, TypeAlias

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from tenants.models import Record
from tenants.users.devices import device_of
from tenants.users.permissions import ROLE_VERBS


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    MEMBER = "member", "Member"
    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username or "")


class User(Record, AbstractBaseUser):
    """A person who signs in: of one tenant, or an operator when the row lives in `public`."""

    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=16, choices=Role.choices)
    is_active = models.BooleanField(default=True)
    email_verified_at = models.DateTimeField(null=True, blank=True)
    invited_at = models.DateTimeField(null=True, blank=True, help_text="until the invitation is accepted")
    ended_sign_ins = ArrayField(
        models.UUIDField(),
        default=list,
        db_default=[],
        blank=True,
        help_text="whose access tokens may be about still",
    )

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    actor_kind: ClassVar[str] = "user"

    class Meta:
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="users_email_unique"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="users_role_known"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def actor_label(self) -> str:
        return self.email

    @property
    def display_name(self) -> str:
        return self.name or self.email.partition("@")[0]

    @property
    def is_invited(self) -> bool:
        """Whether the invitation is still open."""
        return self.invited_at is not None

    def can(self, verb: str) -> bool:
        """Whether the person's role includes the verb."""
        return self.is_active and verb in ROLE_VERBS[self.role]

    # Django's admin asks these; it stands in the public realm only, where everybody is an operator.

    @property
    def is_staff(self) -> bool:
        return self.is_active and self.role == Role.OPERATOR

    @property
    def is_superuser(self) -> bool:
        return self.is_staff

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return self.is_staff

    def has_perms(self, perms: Any, obj: Any = None) -> bool:
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff


class SignInQuerySet(models.QuerySet["SignIn"]):
    def open(self) -> Self:
        """Neither ended nor expired."""
        return self.filter(ended_at=None, expires_at__gt=timezone.now())


class SignIn(Record):
    """A sign-in that lasts: a browser's session, or a program's chain of refresh tokens."""

    class Kind(models.TextChoices):
        PORTAL = "portal", "Browser"
        API = "api", "Program"

    class Ending(models.TextChoices):
        SIGNED_OUT = "signed_out", "Signed out"
        REVOKED = "revoked", "Ended by hand"
        REUSED = "reused", "A refresh token was used twice"
        PASSWORD = "password", "New password"
        STATUS = "status", "Account closed"

    Rows: TypeAlias = SignInQuerySet

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    client = models.CharField(max_length=200, blank=True, help_text="the user agent, as it calls itself")
    address = models.GenericIPAddressField(null=True, blank=True)
    session_key = models.CharField(max_length=40, null=True, blank=True)
    number = models.PositiveIntegerField(default=1, help_text="of the refresh token that may be used next")
    used_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.CharField(max_length=12, choices=Ending.choices, blank=True)

    objects = SignInQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["user", "-id"], name="users_signin_newest"),
            models.Index(fields=["user", "-used_at", "-id"], name="users_signin_used"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=("portal", "api")), name="users_signin_kind"),
            models.CheckConstraint(
                condition=models.Q(ended_at=None, ended_because="")
                | models.Q(
                    ended_at__isnull=False,
                    ended_because__in=("signed_out", "revoked", "reused", "password", "status"),
                ),
                name="users_signin_ended_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.client}"

    @property
    def device(self) -> str:
        return device_of(self.client)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self) -> Self:
        """Neither revoked nor expired."""
        now = timezone.now()
        return self.filter(revoked_at=None).filter(models.Q(expires_at=None) | models.Q(expires_at__gt=now))

    def with_digest(self, digests: Collection[str]) -> Self:
        """Whose secret it is: the present one, or the one before while that still works."""
        former = models.Q(previous_digest__in=digests, previous_until__gt=timezone.now())
        return self.filter(models.Q(digest__in=digests) | former)

    def seen_by(self, user: User) -> Self:
        """All, for those who manage tokens; for the others their own."""
        return self if user.can("tokens:manage") else self.filter(person=user)


class ApiToken(Record):
    """A credential for programs: of a service account, or of a person; only a keyed digest of the secret is kept.

    A service account is the workspace's own and outlives whoever made it. A person's token never may more than the
    person, and ends with their password and their account.
    """

    class Kind(models.TextChoices):
        SERVICE = "service", "Service account"
        PERSONAL = "personal", "Personal"

    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=32), default=list)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_tokens")
    person = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="personal_tokens",
        db_index=False,
        help_text="whose it is; nobody's when it is a service account",
    )
    generation = models.CharField(
        max_length=16, default="", db_default="", help_text="of the person's password"
    )
    previous_digest = models.CharField(max_length=64, null=True, blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)
    rotated_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    actor_kind: ClassVar[str] = "token"
    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["person", "-id"], name="users_apitoken_person"),
            models.Index(
                fields=["previous_digest"],
                condition=models.Q(previous_digest__isnull=False),
                name="users_apitoken_previous",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="users_apitoken_digest_unique"),
            models.CheckConstraint(
                condition=models.Q(previous_digest=None, previous_until=None)
                | models.Q(previous_digest__isnull=False, previous_until__isnull=False),
                name="users_apitoken_overlap",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def actor_label(self) -> str:
        return f"API token {self.name}"

    @property
    def kind(self) -> str:
        return self.Kind.SERVICE if self.person_id is None else self.Kind.PERSONAL

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())

    @property
    def old_works_until(self) -> datetime | None:
        """Until when the secret before this one still works; None when it does not."""
        return self.previous_until if self.previous_until and self.previous_until > timezone.now() else None

    def can(self, verb: str) -> bool:
        """Whether the token's scopes include the verb, and its person's role does, where it has one."""
        return verb in self.scopes and (self.person is None or self.person.can(verb))

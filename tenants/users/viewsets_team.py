"""The API of a workspace's people."""

from typing import Any, cast
from uuid import UUID

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.serializers import NoInput
from tenants.api.viewsets import Creates, Deletes, TenantViewSet, Updates
from tenants.standing import Purpose
from tenants.users import team
from tenants.users.filters import PersonFilters
from tenants.users.models import User
from tenants.users.serializers import InvitationSerializer, PersonSerializer, RoleSerializer


class PersonViewSet(Creates, Updates, Deletes, TenantViewSet):
    """People of the workspace. They are managed by people, never by API tokens."""

    resource = "team"
    verbs = dict.fromkeys(
        ("create", "partial_update", "destroy", "resend", "deactivate", "reactivate", "transfer"),
        "team:manage",
    )
    queryset = User.objects.all()
    # To shut somebody out must not wait for a payment.
    purposes = {"deactivate": Purpose.SELF}
    serializer_class = PersonSerializer
    inputs = {
        "create": InvitationSerializer,
        "partial_update": RoleSerializer,
        "resend": NoInput,
        "deactivate": NoInput,
        "reactivate": NoInput,
        "transfer": NoInput,
    }
    filterset_class = PersonFilters
    ordering = ("-id",)
    ordering_fields = ("created_at", "email")
    search_fields = ("email", "name")

    def perform_create(self, data: dict[str, Any]) -> User:
        """Invite somebody: they get a mail with a link that is good for a week."""
        return team.invite_person(actor=self.actor, by=self._caller, **data)

    def perform_update(self, person: User, data: dict[str, Any]) -> User:
        """Give somebody another role. The last owner keeps theirs."""
        role = data.get("role", person.role)
        return team.change_role(actor=self.actor, by=self._caller, person=person, role=role)

    def perform_destroy(self, person: User) -> None:
        """Take an invitation back. Whoever has accepted is deactivated instead."""
        team.revoke_invitation(actor=self.actor, by=self._caller, person=person)

    @action(detail=True, methods=["post"])
    def resend(self, request: Request, **path: UUID) -> Response:
        """Mail the invitation again; the link before it stops working."""
        return self.answer(team.resend_invitation(actor=self.actor, person=self.get_object(), **self.input()))

    @action(detail=True, methods=["post"])
    def deactivate(self, request: Request, **path: UUID) -> Response:
        """Close an account at once, with its sessions and personal tokens. The last owner stays."""
        person = self.get_object()
        self.input()
        return self.answer(team.deactivate_person(actor=self.actor, by=self._caller, person=person))

    @action(detail=True, methods=["post"])
    def reactivate(self, request: Request, **path: UUID) -> Response:
        """Open a closed account again."""
        person = self.get_object()
        self.input()
        return self.answer(team.reactivate_person(actor=self.actor, by=self._caller, person=person))

    @action(detail=True, methods=["post"])
    def transfer(self, request: Request, **path: UUID) -> Response:
        """Hand the ownership over: this person becomes an owner and the caller an admin."""
        person = self.get_object()
        self.input()
        return self.answer(team.transfer_ownership(actor=self.actor, by=self._caller, to=person))

    @property
    def _caller(self) -> User:
        # A token never gets here: `team:manage` is no scope.
        caller: Any = self.request.user
        return cast(User, caller)

"""If-Match (RFC 9110, 13.1.1): a change is made only to the state that its caller has seen."""

from itertools import chain
from typing import Any, ClassVar

from django.apps import apps
from django.db import connections
from django.db.models import Model, QuerySet
from rest_framework.generics import GenericAPIView

from tenants.api.etags import is_same_state, listed
from tenants.errors import DomainError, PreconditionFailed
from tenants.standing import SAFE_METHODS

HEADER = "If-Match"


class PreconditionRequired(DomainError):
    """The change has to name the state that it is meant for (RFC 6585)."""

    code = "precondition_required"
    status = 428
    title = "Precondition required"


class Conditional(GenericAPIView[Any]):
    """Base of viewsets: changes of a record heed If-Match; `requires_if_match` names actions that insist on it.

    Every PUT does: it replaces what its caller may never have seen.
    """

    action: str
    requires_if_match: ClassVar[tuple[str, ...]] = ()

    def get_object(self) -> Any:
        """The record of the path, locked and compared when the request names the state it is meant for."""
        header = self.request.headers.get(HEADER)
        if self.request.method in SAFE_METHODS:
            return super().get_object()
        if header is None:
            instance = super().get_object()  # what is not there is 404, whatever else is missing
            self._refuse_unconditional()
            return instance
        _lock(self.get_queryset(), self.kwargs[self.lookup_field], deleting=self.request.method == "DELETE")
        instance = super().get_object()
        refuse_stale(header, instance)
        return instance

    def _refuse_unconditional(self) -> None:
        if self.action in self.requires_if_match:
            raise PreconditionRequired(
                "Somebody else may have changed this record. Read it, and send the ETag of that answer in If-Match; "
                "'If-Match: *' changes it whatever its state."
            )


def _lock(rows: QuerySet[Any], key: Any, *, deleting: bool) -> None:
    # Before it is read and until the request's end, or two changes could both find the state they expect.
    if connections[rows.db].in_atomic_block and _may_change(rows.model):
        held = rows.model._base_manager.select_for_update(no_key=not deleting).filter(pk=key)
        held.values_list("pk").first()


def _may_change(model: type[Model]) -> bool:
    """Whether its rows can be changed at all: a lock takes the right to do so."""
    config = apps.get_app_config(model._meta.app_label)
    fixed = (getattr(config, rights, ()) for rights in ("append_only", "no_update", "read_only"))
    return model._meta.db_table not in chain.from_iterable(fixed)


def refuse_stale(header: str, instance: Model) -> None:
    """Raise PreconditionFailed where a record is not in the state that If-Match names."""
    if not any(is_same_state(tag, instance) for tag in listed(header)):
        raise PreconditionFailed(
            "This record is not in the state that If-Match names. Read it again, look at what has changed, and send "
            "the ETag of that answer, with its quotes, in If-Match."
        )

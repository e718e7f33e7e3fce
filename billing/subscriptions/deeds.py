"""Calls that change something at Stripe: written down with their key before they are made, and made good if cut off.

The key is the same for whoever does the same again, so that Stripe does it once; but Stripe also repeats a 500 under
its key, for a day. So after an answered failure the next try looks first whether it happened, and takes a new key.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final, TypeVar

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing.accounts.reading import Unknown
from billing.models import Deed
from billing.stripe.client import Call, Stripe, StripeFailed, account
from billing.subscriptions.problems import NotForSale, refusal_of
from tenants.audit.actors import Actor
from tenants.errors import DomainError
from tenants.models import uuid7
from tenants.routers import CONTROL_ALIAS

T = TypeVar("T")
# Stripe keeps keys for a day; an hour is kept back.
KEY_HOLDS: Final = timedelta(hours=23)


class Doing:
    """A deed in this process's hands. Calls of one deed are told apart by their names."""

    def __init__(self, deed: Deed) -> None:
        self.deed = deed

    @property
    def was_tried(self) -> bool:
        """Whether somebody may have done it already."""
        return self.deed.tries > 1

    def send(
        self,
        call: Call[T],
        *ids: str,
        params: Mapping[str, Any] | None = None,
        name: str = "",
    ) -> T:
        """Make a call of the deed."""
        key = f"{self.deed.key}:{name}" if name else self.deed.key
        return stripe_account().send(call, *ids, key=key, params=params)

    def done(self, result: str) -> bool:
        """Note in the caller's transaction that it has come to its end; False if somebody has noted it before."""
        begun = Deed.objects.filter(pk=self.deed.pk, status=Deed.Status.BEGUN)
        values = {"status": Deed.Status.DONE, "result": result, "error": "", "ended_at": timezone.now()}
        return bool(begun.update(**values))


@contextmanager
def doing(*, tenant: str, verb: str, params: Mapping[str, Any], actor: Actor) -> Iterator[Doing]:
    """Write a deed down, then do it in the block; one that was begun before with the same parameters goes on."""
    stripe_account()
    deed = _begun(tenant, verb, dict(params), actor)
    try:
        yield Doing(deed)
    except StripeFailed as failure:
        _failed(deed, failure)
        raise refusal_of(failure) from failure
    except (DomainError, Unknown) as refusal:
        _refused(deed, str(refusal))
        raise


def stripe_account() -> Stripe:
    """The account; where there is none, nothing can be bought."""
    if not settings.STRIPE_API_KEY:
        raise NotForSale("STRIPE_API_KEY is not set, so nothing can be bought here. Operators: set it.")
    return account()


def _begun(tenant: str, verb: str, params: dict[str, Any], actor: Actor) -> Deed:
    """The deed, committed: from here on somebody will look after it."""
    with transaction.atomic(using=CONTROL_ALIAS, durable=True):
        found = Deed.objects.select_for_update().filter(tenant=tenant, verb=verb, status=Deed.Status.BEGUN)
        if (deed := found.first()) is not None:
            if deed.params == params and deed.created_at > timezone.now() - KEY_HOLDS:
                deed.tries += 1
                deed.save()
                return deed
            _refused(deed, "Something else was asked for, or too much time has passed.")
        deed = Deed(tenant=tenant, verb=verb, params=params, asked_by=actor.label, tries=1, id=uuid7())
        deed.key = f"{verb}:{deed.pk}"
        return _inserted(deed)


def _inserted(deed: Deed) -> Deed:
    """Of two that begin at the same moment the second goes on with what the first has begun."""
    try:
        with transaction.atomic(using=CONTROL_ALIAS):
            deed.save(force_insert=True)
    except IntegrityError:
        found = Deed.objects.get(tenant=deed.tenant, verb=deed.verb, status=Deed.Status.BEGUN)
        if found.params != deed.params:
            raise
        return found
    return deed


def _failed(deed: Deed, failure: StripeFailed) -> None:
    error = f"{type(failure).__name__}: {failure}"
    if not failure.may_have_happened:
        _refused(deed, error)
    elif failure.was_answered:
        Deed.objects.filter(pk=deed.pk).update(key=f"{deed.verb}:{deed.pk}:{deed.tries + 1}", error=error)
    else:
        Deed.objects.filter(pk=deed.pk).update(error=error)


def _refused(deed: Deed, error: str) -> None:
    Deed.objects.filter(pk=deed.pk, status=Deed.Status.BEGUN).update(
        status=Deed.Status.REFUSED, error=error, ended_at=timezone.now()
    )

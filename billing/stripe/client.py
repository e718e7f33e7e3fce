"""The one place that speaks to Stripe, or to the simulator in its stead. Nothing else imports the stripe package."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, TypeVar

import stripe
from django.conf import settings
from stripe import StripeClient, StripeObject

T = TypeVar("T")
Listed = TypeVar("Listed", bound=StripeObject)
# Which function of the package's client to call: `lambda client: client.v1.customers.create`.
Call = Callable[[StripeClient], Callable[..., T]]
SECONDS: Final = 20


class StripeFailed(Exception):
    """A call that gave no result. `may_have_happened` says whether Stripe may have done it all the same."""

    may_have_happened = False

    def __init__(self, error: stripe.StripeError) -> None:
        super().__init__(str(error))
        # The package passes the code of some errors on only inside the document.
        self.code: str = error.code or getattr(error.error, "code", None) or ""
        self.param: str = getattr(error, "param", None) or ""
        self.request_id = error.request_id or ""
        # Stripe keeps its answer to a key for a day and repeats it, a 500 as well.
        self.was_answered = error.http_status is not None


class StripeRefused(StripeFailed):
    """The call is wrong as it stands: sending it again changes nothing."""


class StripeMissing(StripeRefused):
    """What the call names is not there."""


class StripeDuplicate(StripeRefused):
    """A meter event with this identifier is there already: it was counted before."""


class StripeKeyReused(StripeRefused):
    """The idempotency key was used for another call: a bug of ours."""


class StripeDenied(StripeFailed):
    """The key is wrong or may not do this: a matter for operators."""


class CardDeclined(StripeFailed):
    """The bank said no, or wants its customer to prove who they are."""


class StripeBusy(StripeFailed):
    """Too many calls at once, or the object is in use: later."""


class StripeDown(StripeFailed):
    """No answer, or an error of Stripe's own. Send it again, with the same key and nothing else."""

    may_have_happened = True


class Stripe:
    """A connection with an account. Calls are picked from the package's client, which stays in here.

    `stripe.send(lambda client: client.v1.customers.create, key="customer:…", params={…})`
    """

    def __init__(self, client: StripeClient) -> None:
        self._client = client

    def send(
        self,
        call: Callable[[StripeClient], Callable[..., T]],
        *ids: str,
        key: str,
        params: Mapping[str, Any] | None = None,
    ) -> T:
        """Change something. The key names the deed: doing it again takes the same key and gets the same answer."""
        if not key:
            raise ValueError("A call that changes something needs an idempotency key that names the deed.")
        with _our_errors():
            return call(self._client)(*ids, params=dict(params or {}), options={"idempotency_key": key})

    def read(
        self,
        call: Callable[[StripeClient], Callable[..., T]],
        *ids: str,
        params: Mapping[str, Any] | None = None,
    ) -> T:
        """Look at something."""
        with _our_errors():
            return call(self._client)(*ids, params=dict(params or {}))

    def read_all(
        self,
        call: Callable[[StripeClient], Callable[..., stripe.ListObject[Listed]]],
        *ids: str,
        params: Mapping[str, Any] | None = None,
    ) -> Iterator[Listed]:
        """Every row of a list, a page of a hundred at a time."""
        found = self.read(call, *ids, params={"limit": 100, **(params or {})})
        with _our_errors():
            yield from found.auto_paging_iter()


@cache
def account() -> Stripe:
    """The platform's account, as the settings name it."""
    return connect(settings.STRIPE_API_KEY, settings.STRIPE_ADDRESS)


def connect(key: str, address: str = "", *, seconds: float = SECONDS) -> Stripe:
    """An account by its key; with an address, somewhere else than at Stripe's."""
    elsewhere: Any = {"api": address, "meter_events": address} if address else {}
    # No retries by the package: it would take a new random key where we gave none, and our tasks try again anyway.
    client = StripeClient(
        key,
        base_addresses=elsewhere,
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=seconds),
    )
    return Stripe(client)


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except stripe.StripeError as error:
        raise _translated(error) from error


def _translated(error: stripe.StripeError) -> StripeFailed:
    if isinstance(error, stripe.InvalidRequestError):
        return REFUSALS.get(error.code or "", StripeRefused)(error)
    return next((ours for theirs, ours in ERRORS.items() if isinstance(error, theirs)), StripeDown)(error)


REFUSALS: Final[dict[str, type[StripeFailed]]] = {
    "resource_missing": StripeMissing,
    "duplicate_meter_event": StripeDuplicate,
}
ERRORS: Final[dict[type[stripe.StripeError], type[StripeFailed]]] = {
    stripe.CardError: CardDeclined,
    stripe.RateLimitError: StripeBusy,
    stripe.IdempotencyError: StripeKeyReused,
    stripe.AuthenticationError: StripeDenied,
    stripe.PermissionError: StripeDenied,
}

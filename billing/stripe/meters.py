"""Stripe's meters as the export and the reconciliation need them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

from django.conf import settings

from billing.stripe.client import Stripe, StripeDuplicate, StripeFailed, StripeRefused, account
from billing.stripe.sending import Gateway, MeterEvent, Refused, Unavailable


class StripeMeters:
    """The platform's account, meter by meter."""

    def __init__(self, stripe: Stripe) -> None:
        self._stripe = stripe
        self._ids: dict[str, str] = {}

    def send(self, event: MeterEvent) -> None:
        """Have an event counted; one that was counted before is as good."""
        payload = {"stripe_customer_id": event.customer, "value": str(event.value)}
        params = {
            "event_name": event.event_name,
            "payload": payload,
            "identifier": event.identifier,
            "timestamp": int(event.at.timestamp()),
        }
        # The identifier keeps it single. Under a key that was used before Stripe repeats its answer, a 500 as well.
        key = f"{event.identifier}:{uuid4()}"
        with _our_errors():
            self._stripe.send(lambda client: client.v1.billing.meter_events.create, key=key, params=params)

    def summaries(
        self, *, event_name: str, customer: str, begin: datetime, end: datetime
    ) -> Mapping[datetime, int]:
        """What Stripe has counted, by hours."""
        params = {
            "customer": customer,
            "start_time": int(begin.timestamp()),
            "end_time": int(end.timestamp()),
            "value_grouping_window": "hour",
        }
        with _our_errors():
            rows = self._stripe.read_all(
                lambda client: client.v1.billing.meters.event_summaries.list,
                self._meter_id(event_name),
                params=params,
            )
            return {datetime.fromtimestamp(row.start_time, UTC): round(row.aggregated_value) for row in rows}

    def _meter_id(self, event_name: str) -> str:
        if event_name not in self._ids:
            meters = self._stripe.read_all(lambda client: client.v1.billing.meters.list)
            self._ids |= {meter.event_name: meter.id for meter in meters if meter.status == "active"}
        if event_name not in self._ids:
            raise Unavailable(f"Stripe has no active meter for {event_name}. Synchronise the plans first.")
        return self._ids[event_name]


def gateway() -> Gateway | None:
    """The way to Stripe, where there is one."""
    return StripeMeters(account()) if settings.STRIPE_API_KEY else None


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except StripeDuplicate:
        return
    except StripeRefused as refusal:
        raise Refused(str(refusal)) from refusal
    except StripeFailed as failure:
        raise Unavailable(f"{type(failure).__name__}: {failure}") from failure

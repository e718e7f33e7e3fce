"""Meter events that Stripe took in and did not count: it says so later, by events whose content has to be fetched."""

from collections.abc import Iterator

from django.utils import timezone

from billing.accounts.cases import open_case
from billing.handlers.events import Object, fetched, on
from billing.models import Export
from shared_apps.inbox.registry import Event


@on("v1.billing.meter.error_report_triggered", "v1.billing.meter.no_meter_found")
def report(event: Event) -> None:
    """Mark the messages that the report names as refused, with Stripe's reason, and have a person look at it."""
    found = fetched(lambda client: client.v2.core.events.retrieve, event.id)
    reasons = dict(_reasons(found["data"]["reason"]))
    for identifier, reason in reasons.items():
        Export.objects.filter(identifier=identifier).update(
            status=Export.Status.REFUSED, error=reason, settled_at=timezone.now()
        )
    text = _text(found, len(reasons))
    open_case(kind="meter_errors", object_id=event.id, text=text)


def _reasons(reason: Object) -> Iterator[tuple[str, str]]:
    """Identifier and complaint of each sample; Stripe names some of many."""
    for kind in reason["error_types"]:
        for sample in kind["sample_errors"]:
            yield sample["request"]["identifier"], f"{kind['code']}: {sample['error_message']}"


def _text(found: Object, named: int) -> str:
    count = found["data"]["reason"]["error_count"]
    kinds = ", ".join(each["code"] for each in found["data"]["reason"]["error_types"])
    more = f" Stripe names {named} of them; reconciliation finds the others." if count > named else ""
    summary = found["data"]["developer_message_summary"]
    return f"Stripe did not count {count} meter events ({kinds}). {summary}{more}"

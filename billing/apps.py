from typing import ClassVar

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"
    label = "billing"
    verbose_name = "Billing"

    append_only: ClassVar[list[str]] = ["billing_usagerecord"]

    def ready(self) -> None:
        from billing import handlers
        from billing.accounts.trials import beginning
        from billing.entitlements import Limit, count_by, quota_of
        from billing.limits.caps import refusal_of
        from billing.limits.refusals import told_of
        from billing.limits.seats import require_seat, taken_or_promised
        from billing.limits.storing import last_measured, stored
        from billing.usage.ledger import record_calls
        from shared_apps.clients.services import beginnings
        from tenants.api.limits import limiter
        from tenants.api.metering import calls
        from tenants.users.seats import seats

        limiter.quota_of, limiter.plan_of = quota_of, told_of
        calls.sink, seats.require = record_calls, require_seat
        count_by(Limit.SEATS, taken_or_promised)
        beginnings.append(beginning)
        count_by(Limit.STORAGE, stored, shown=last_measured)
        handlers.load()
        limiter.refusal_of = refusal_of

    def keeps_from_deletion(self, schema: str) -> str:
        """Why a tenant may not go yet: what it has used is to be charged, and its subscription to end."""
        from billing.subscriptions.ending import keeps_from_deletion

        return keeps_from_deletion(schema)

    # The one thing a tenant's role may do in public. The tenant column is not in the list: the database
    # fills it with the role that inserts, so a forged tenant is refused.
    public_grants: ClassVar[dict[str, list[str]]] = {
        "billing_usagerecord": ["id", "meter", "quantity", "idempotency_key", "occurred_at", "lease"],
    }
    # Invoices are written from these, also after a tenant has gone.
    kept_after_deletion: ClassVar[dict[str, str]] = {
        "billing_usagerecord": "tenant",
        "billing_rollup": "tenant",
        "billing_export": "tenant",
        "billing_customer": "tenant",
        "billing_budget": "tenant",
        "billing_override": "tenant",
        "billing_sourcehour": "tenant",
        "billing_usagealert": "tenant",
        "billing_spendcap": "tenant",
        "billing_subscription": "tenant",
        "billing_stripeinvoice": "tenant",
        "billing_case": "tenant",
        "billing_deed": "tenant",
        "billing_lateitem": "tenant",
        "billing_letter": "tenant",
        "billing_moneyback": "tenant",
    }

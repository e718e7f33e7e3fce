"""Objects that come from banks and dashboards: made by `/_simulator/emit`, and looked at like others."""

from __future__ import annotations

from billing.simulator.resources import readable

for kind, path in (
    ("dispute", "/v1/disputes"),
    ("radar.early_fraud_warning", "/v1/radar/early_fraud_warnings"),
    ("billing.credit_grant", "/v1/billing/credit_grants"),
):
    readable(kind, path)

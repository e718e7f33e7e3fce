"""The pages on which people of a tenant see what it uses."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from billing.meters import METERS
from billing.periods import period_of
from billing.preview import used_between
from tenants.navigation import Section, register_settings
from tenants.portal import PortalRequest, portal

register_settings(Section("Usage", "billing:usage", "usage:read", order=40))


@portal("usage:read")
@require_GET
def usage(request: PortalRequest) -> HttpResponse:
    """What was used of each meter."""
    schema = request.tenant.schema
    period = period_of(schema, timezone.now())
    found = used_between(schema, period.begin, period.end)
    meters = [(meter, found.get(meter.key, 0)) for meter in METERS.values()]
    return render(request, "billing/usage.html", {"period": period, "meters": meters})

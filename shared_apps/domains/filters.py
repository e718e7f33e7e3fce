"""What the list of domains may be narrowed by."""

from typing import Any

from django.db.models import QuerySet

from shared_apps.domains.models import Claim
from tenants.api.filters import BooleanFilter, TenantFilterSet


class DomainFilters(TenantFilterSet):
    """Filters of domains."""

    verified = BooleanFilter(method="by_proof", help_text="Proven, so that it leads to the workspace.")

    def by_proof(self, queryset: QuerySet[Claim], name: str, value: bool) -> QuerySet[Any]:
        """Split the proven from the others."""
        return queryset.filter(held__isnull=not value)

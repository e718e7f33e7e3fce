"""What the list of API tokens may be narrowed by."""

from typing import Any

from django.db.models import QuerySet

from tenants.api.filters import BooleanFilter, TenantFilterSet
from tenants.users.models import ApiToken


class ApiTokenFilters(TenantFilterSet):
    """Filters of API tokens."""

    usable = BooleanFilter(method="by_use", help_text="Neither revoked nor expired.")

    def by_use(self, queryset: QuerySet[ApiToken], name: str, value: bool) -> QuerySet[Any]:
        """Split the usable from the others."""
        usable = ApiToken.objects.usable().values("pk")
        return queryset.filter(pk__in=usable) if value else queryset.exclude(pk__in=usable)

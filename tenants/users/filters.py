"""What the lists of credentials may be narrowed by."""

from typing import Any

from django.db.models import QuerySet

from tenants.api.filters import BooleanFilter, TenantFilterSet
from tenants.users.models import ApiToken, SignIn


class ApiTokenFilters(TenantFilterSet):
    """Filters of API tokens."""

    usable = BooleanFilter(method="by_use", help_text="Neither revoked nor expired.")
    personal = BooleanFilter(
        field_name="person", lookup_expr="isnull", exclude=True, help_text="Of a person."
    )

    def by_use(self, queryset: QuerySet[ApiToken], name: str, value: bool) -> QuerySet[Any]:
        """Split the usable from the others."""
        usable = ApiToken.objects.usable().values("pk")
        return queryset.filter(pk__in=usable) if value else queryset.exclude(pk__in=usable)


class SignInFilters(TenantFilterSet):
    """Filters of sign-ins."""

    open = BooleanFilter(method="by_end", help_text="Neither ended nor expired.")

    def by_end(self, queryset: QuerySet[SignIn], name: str, value: bool) -> QuerySet[Any]:
        """Split those that last from the others."""
        lasting = SignIn.objects.open().values("pk")
        return queryset.filter(pk__in=lasting) if value else queryset.exclude(pk__in=lasting)


class PersonFilters(TenantFilterSet):
    """Filters of people."""

    active = BooleanFilter(field_name="is_active")
    invited = BooleanFilter(
        field_name="invited_at", lookup_expr="isnull", exclude=True, help_text="Not accepted yet."
    )

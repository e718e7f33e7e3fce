"""What the list of imports may be narrowed by."""

from tenant_apps.imports.models import Import
from tenants.api.filters import ChoiceFilter, TenantFilterSet


class ImportFilters(TenantFilterSet):
    """Filters of imports."""

    status = ChoiceFilter(choices=Import.Status.choices)
    kind = ChoiceFilter(choices=Import.Kind.choices)

"""What the list of tax rules may be narrowed by."""

from tenant_apps.orders.models import TaxRule
from tenants.api.filters import ChoiceFilter, TenantFilterSet, TextFilter


class TaxRuleFilters(TenantFilterSet):
    """Filters of tax rules."""

    country = TextFilter(help_text="Exactly this country, by its two letters.")
    tax_class = ChoiceFilter(choices=TaxRule.TaxClass.choices)

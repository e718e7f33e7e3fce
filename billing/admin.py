"""Billing's pages in the operators' admin."""

from billing.models import (
    Budget,
    Case,
    Customer,
    Deed,
    Difference,
    Export,
    LateItem,
    Letter,
    MoneyBack,
    Override,
    PublishedPlan,
    Rollup,
    StripeInvoice,
    Subscription,
)
from billing.operators import inspector, money, overrides, plans, usage
from shared_apps.inbox.models import ReceivedEvent
from tenants.users.operators import operators

operators.add_page("money/", money.money_page, "money")
operators.register(Override, overrides.OverrideAdmin)
operators.register(Budget, overrides.BudgetAdmin)
operators.register(Rollup, usage.RollupAdmin)
operators.register(Export, usage.ExportAdmin)
operators.register(Difference, usage.DifferenceAdmin)
operators.register(PublishedPlan, plans.PublishedPlanAdmin)
operators.register(Case, money.CaseAdmin)
operators.register(Customer, money.CustomerAdmin)
operators.register(Subscription, money.SubscriptionAdmin)
operators.register(StripeInvoice, money.InvoiceAdmin)
operators.register(MoneyBack, money.MoneyBackAdmin)
operators.register(LateItem, money.LateItemAdmin)
operators.register(Letter, money.LetterAdmin)
operators.register(Deed, money.DeedAdmin)
# In the place of the inspector that knows no tenants.
operators.unregister(ReceivedEvent)
operators.register(ReceivedEvent, inspector.TenantEventAdmin)

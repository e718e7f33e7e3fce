"""Products are searched in the tenant's language: rows follow it when the tenant's locale is another one."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from shared_apps.clients.workspace import FOLLOWERS, REFUSALS
from tenant_apps.products.models import Product
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import Tenant, tenant_context
from tenants.errors import Conflict
from tenants.searching import current_language

BATCH: Final = 1_000
# Processes look at the directory of tenants once a second: before that the worker would take the former language.
KNOWN_EVERYWHERE: Final = 3


def follow_workspace() -> None:
    """Heed changes of a tenant's settings: prices have a currency, and texts are searched in a language."""
    REFUSALS.append(_refuse_currency)
    FOLLOWERS.append(_follow_locale)


def _refuse_currency(tenant: Tenant, changes: dict[str, str]) -> None:
    if not (currency := changes.get("currency")):
        return
    with tenant_context(tenant), transaction.atomic():
        others = Product.objects.exclude(currency=currency).count()
    if others:
        raise PricedOtherwise(
            f"{others} products are priced in another currency than {currency}, and a product's currency is for life. "
            "Keep the currency, or begin another workspace.",
            field="currency",
            products=others,
        )


def _follow_locale(tenant: Tenant, changes: dict[str, str]) -> None:
    from tenant_apps.products.tasks import follow_tenant_language

    if "locale" in changes:
        with tenant_context(tenant):
            follow_tenant_language.apply_async(countdown=KNOWN_EVERYWHERE)


class PricedOtherwise(Conflict):
    code = "priced_otherwise"
    title = "Products have another currency"


def follow_language(*, actor: Actor) -> int:
    """Let all products be searched in the language of the tenant as it is now; how many were in another.

    Each batch is a transaction of its own: a shop that sells meanwhile waits for a thousand rows at most.
    """
    language, count = current_language(), 0
    while changed := _follow(actor, language):
        count += changed
    return count


@transaction.atomic
def _follow(actor: Actor, language: str) -> int:
    others = Product.objects.exclude(language=language).order_by("sku")
    # In the order in which orders lock products.
    batch = list(others.select_for_update(no_key=True).values_list("pk", flat=True)[:BATCH])
    if batch:
        Product.objects.filter(pk__in=batch).update(language=language)
        data = {"language": language, "products": len(batch)}
        record(actor=actor, verb="product.language_followed", data=data)
    return len(batch)

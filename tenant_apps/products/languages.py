"""Products are searched in the tenant's language: rows follow it when the tenant's locale is another one."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from tenant_apps.products.models import Product
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.searching import current_language

BATCH: Final = 1_000


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

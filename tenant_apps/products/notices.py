"""Telling people what runs low: once a day, and each product once until it has recovered."""

from __future__ import annotations

from typing import Final

from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from tenant_apps.products.models import Product
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import current_tenant
from tenants.users.models import Role, User
from tenants.users.verification import tenant_url

MOST_NAMED: Final = 50


@transaction.atomic
def tell_low_stock(*, actor: Actor) -> int:
    """Have owners and admins written to if something ran low since the last letter; how many products that are."""
    news = Product.objects.low().filter(low_told_at=None).update(low_told_at=timezone.now())
    if news:
        record(actor=actor, verb="stock.low_told", data={"products": news})
        transaction.on_commit(_post, robust=True)
    return news


def _post() -> None:
    from tenant_apps.products.tasks import mail_low_stock

    mail_low_stock.delay()


def send_low_stock() -> int:
    """Mail what is low now to the owners and admins of the current tenant; how many letters that are."""
    tenant = current_tenant()
    with transaction.atomic():
        low = Product.objects.low()
        count, products = low.count(), list(low.order_by("sku")[:MOST_NAMED])
        people = User.objects.filter(role__in=[Role.OWNER, Role.ADMIN], is_active=True)
        addresses = list(people.values_list("email", flat=True))
    if not products:
        return 0
    context = {
        "tenant": tenant,
        "products": products,
        "more": count - len(products),
        "link": tenant_url("/stock/?stock=low"),
    }
    body = render_to_string("products/mail/low_stock.txt", context)
    subject = f"{tenant.name}: {count} product{'' if count == 1 else 's'} low on stock"
    for address in addresses:
        send_mail(subject, body, None, [address])
    return len(addresses)

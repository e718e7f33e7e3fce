"""Background work of stock, and of the language that products are searched in."""

from celery import shared_task

from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant
from tenant_apps.products.languages import follow_language
from tenant_apps.products.notices import send_low_stock, tell_low_stock
from tenants.audit.actors import Actor
from tenants.context import tenant_context
from tenants.standing import Purpose
from tenants.tasks import PublicTask, TenantTask


@shared_task(base=PublicTask)
def watch_stock() -> None:
    """Send the daily look at low stock to each active tenant."""
    for client in Client.objects.active().iterator():
        with tenant_context(as_tenant(client)):
            watch_tenant_stock.delay()


@shared_task(base=TenantTask)
def watch_tenant_stock() -> None:
    """Have people told of what ran low in one tenant."""
    tell_low_stock(actor=Actor.system("the daily look at stock"))


@shared_task(
    base=TenantTask, purpose=Purpose.UPKEEP, autoretry_for=(OSError,), retry_backoff=True, max_retries=8
)
def mail_low_stock() -> None:
    """Mail the list of what is low; an unreachable mail server is tried again."""
    send_low_stock()


@shared_task(base=PublicTask)
def follow_languages() -> None:
    """Send the daily look at the language of products to each active tenant."""
    for client in Client.objects.active().iterator():
        with tenant_context(as_tenant(client)):
            follow_tenant_language.delay()


@shared_task(base=TenantTask)
def follow_tenant_language() -> None:
    """Let the products of one tenant be searched in its language, whoever changed it."""
    follow_language(actor=Actor.system("the daily look at the language"))

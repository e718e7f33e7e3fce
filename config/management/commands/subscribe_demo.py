"""`subscribe_demo`: the plans are put on sale at the simulated Stripe, and a demo tenant subscribes."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.demo import subscribe_demo
from tenants.errors import DomainError


class Command(BaseCommand):
    help = "Put the plans on sale at the simulated Stripe and have the first demo tenant subscribe. Can be repeated."

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse where there is a real account: it is not ours to buy from."""
        if not settings.STRIPE_ADDRESS:
            raise CommandError(
                "STRIPE_ADDRESS is not set, so this would buy at Stripe itself. Only the simulated Stripe is for demos."
            )
        try:
            is_new = subscribe_demo()
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write("The demo has subscribed." if is_new else "The demo had subscribed before.")

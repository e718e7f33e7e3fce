"""`rotate_keys`: give the platform a new key to sign tokens with."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from shared_apps.keys.models import StoredKey
from shared_apps.keys.services import rotate_signing_keys
from tenants.audit.actors import Actor
from tenants.context import public_context


class Command(BaseCommand):
    help = (
        "Make a new key that signs tokens; the old ones verify until their last token has expired. "
        "Nothing has to be restarted. See docs/runbooks/signing-keys.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--compromised",
            action="store_true",
            help="end the old keys at once: everybody who uses the API by password has to sign in again",
        )
        parser.add_argument(
            "--list", action="store_true", dest="only_list", help="only show the keys there are"
        )

    def handle(self, *args: Any, compromised: bool, only_list: bool, **options: Any) -> None:
        """Rotate, and show what there is now."""
        with public_context():
            if not only_list:
                rotate_signing_keys(actor=Actor.system("rotate_keys"), compromised=compromised)
            self._show()

    def _show(self) -> None:
        keys = StoredKey.objects.all()
        if not keys:
            self.stdout.write("One key, derived from SECRET_KEY. It was never rotated.")
        for key in keys:
            self.stdout.write(
                f"{key.kid}  signs from {_moment(key.signs_from)}  verifies until {_moment(key.verifies_until)}"
            )


def _moment(time: Any) -> str:
    if time is None:
        return "the next rotation"
    return "the beginning" if time.year == 2000 else f"{timezone.localtime(time):%Y-%m-%d %H:%M:%S} UTC"

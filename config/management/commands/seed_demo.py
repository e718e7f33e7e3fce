"""`seed_demo`: the demo tenants and their logins."""

import json as jsonlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from config.demo import demo_password, seed_demo
from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant
from tenants.context import unit_of_work
from tenants.users.api_tokens import find_api_token


class Command(BaseCommand):
    help = "Make the demo tenants and print hosts, users with roles and passwords, and API tokens. Can be repeated."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object, for scripts")

    def handle(self, *args: Any, json: bool, **options: Any) -> None:
        """What was seeded before is told again as long as its tokens still open; secrets are kept in DATA_DIR."""
        kept = settings.DATA_DIR / "demo.json"
        demo = _still_true(kept)
        if demo is None:
            demo = seed_demo(demo_password())
            _keep(kept, demo)
        self.stdout.write(jsonlib.dumps(demo, indent=2) if json else _table(demo))


def _still_true(kept: Path) -> dict[str, Any] | None:
    try:
        demo: dict[str, Any] = jsonlib.loads(kept.read_text())
        return demo if all(map(_opens, demo["tenants"])) and demo["tenants"] else None
    except (OSError, ValueError, KeyError):
        return None


def _opens(tenant: dict[str, Any]) -> bool:
    client = Client.objects.filter(domains__domain=tenant["host"]).first()
    if client is None:
        return False
    with unit_of_work(as_tenant(client)):
        return all(find_api_token(token["token"]) for token in tenant["api_tokens"])


def _keep(kept: Path, demo: dict[str, Any]) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.touch(mode=0o600)
    kept.write_text(jsonlib.dumps(demo))


def _table(demo: dict[str, Any]) -> str:
    lines = [f"Operators  {demo['public']['admin_url']}"]
    lines += [f"  {person['email']}  {person['password']}" for person in demo["operators"]]
    for tenant in demo["tenants"]:
        lines += ["", f"{tenant['name']}  {tenant['url']}"]
        lines += [
            f"  {person['role']:<7} {person['email']}  {person['password']}" for person in tenant["users"]
        ]
        lines += [f"  token   {token['token']}" for token in tenant["api_tokens"]]
    return "\n".join(lines)

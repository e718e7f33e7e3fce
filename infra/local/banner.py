"""What bin/dev tells a person once everything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config import env
from infra.local.postgres import Postgres


def banner(demo: dict[str, Any], data: Path, port: int, seconds: float) -> str:
    """URLs and logins."""
    public = f"http://{env.text('PUBLIC_HOST')}:{port}"
    lines = ["", f"Rowhouse runs, after {seconds:.1f} s.", "", f"  {'Sign up':<16}{public}/sign-up/"]
    lines += [f"  {'Operators':<16}{public}/admin/", *map(_login, demo.get("operators", []))]
    for tenant in demo.get("tenants", []):
        lines += ["", f"  {_name(tenant):<16}{tenant['url']}", *map(_login, tenant["users"])]
        lines += [f"  {'':<16}API token {_token(token)}" for token in tenant.get("api_tokens", [])]
    lines += ["", f"  {'API':<16}/api/docs/ on each tenant's host"]
    lines += [f"  {'Mail':<16}{env.url('EMAIL_URL').removeprefix('file://')}"]
    if stripe := env.url("STRIPE_ADDRESS"):
        lines += [f"  {'Stripe':<16}simulated, {stripe}/_simulator"]
    lines += [f"  {'Data':<16}{data}"]
    if (home := Postgres(data).home()) != data:
        lines += [f"  {'Database':<16}{home}, because nobody but root can enter {data}"]
    lines += ["", "Ctrl-C stops everything.", ""]
    return "\n".join(lines)


def _name(tenant: dict[str, Any]) -> str:
    return str(tenant["host"]).partition(".")[0]


def _login(user: dict[str, Any]) -> str:
    role = f"  ({user['role']})" if user.get("role") else ""
    return f"  {'':<16}{user['email']}  {user['password']}{role}"


def _token(token: dict[str, Any]) -> str:
    return f"{token['token']}  ({token['name']}, {len(token['scopes'])} scopes)"

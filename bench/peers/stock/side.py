"""The stock peer's tenants, rows and tokens."""

import json
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django_tenants.utils import schema_context
from rest_framework.authtoken.models import Token
from rest_framework_simplejwt.tokens import AccessToken

from bench.peers import shelf
from bench.peers.call import Call, Scenarios
from bench.peers.stock.customers.models import Client, Domain
from bench.peers.stock.shop.models import Category, Product


def prepare(tenants: int) -> Scenarios:
    """Migrate, make the tenants, and answer with the calls of each scenario, one for each tenant."""
    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0)
    Domain(domain="localhost", tenant=_client("public")).save()
    made = [_tenant(f"bench{number}") for number in range(tenants)]
    return {name: [calls[name] for calls in made] for name in (made[0] if made else ())}


def _client(name: str) -> Any:
    client = Client(schema_name=name, name=name)
    client.save(verbosity=0)
    return client


def _tenant(name: str) -> dict[str, Call]:
    host = f"{name}.localhost"
    Domain(domain=host, tenant=_client(name)).save()
    with schema_context(name):
        user = User.objects.create_superuser("owner", f"owner@{name}.example")
        _fill()
        listed = Call(host, "/api/products/", "", str(AccessToken.for_user(user)))
        return _scenarios(listed, Token.objects.create(user=user).key)


def _scenarios(listed: Call, key: str) -> dict[str, Call]:
    product, *others = Product.objects.order_by("sku")[:3]
    body = {
        "currency": "EUR",
        "lines": [{"product": each.pk, "quantity": 2} for each in (product, *others)],
    }
    shown = replace(listed, path=f"/api/products/{product.pk}/")
    ordered = replace(listed, path="/api/orders/", body=json.dumps(body).encode(), expected="201")
    calls = {"list": listed, "retrieve": shown, "create_order": ordered}
    return {
        **{f"{name}_jwt": call for name, call in calls.items()},
        **{f"{name}_token": replace(call, token=key, scheme="Token") for name, call in calls.items()},
    }


def _fill() -> None:
    made = [Category.objects.create(**row) for row in shelf.categories()]
    for number, row in enumerate(shelf.products()):
        Product.objects.create(**row, category=made[number % len(made)])

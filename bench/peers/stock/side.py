"""The stock peer's tenants, rows and tokens."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django_tenants.utils import schema_context
from rest_framework_simplejwt.tokens import AccessToken

from bench.peers import shelf
from bench.peers.call import Call
from bench.peers.stock.customers.models import Client, Domain
from bench.peers.stock.shop.models import Category, Product


def prepare(tenants: int) -> list[Call]:
    """Migrate, make the tenants, and answer with one call for each of them."""
    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0)
    Domain(domain="localhost", tenant=_client("public")).save()
    return [_tenant(f"bench{number}") for number in range(tenants)]


def _client(name: str) -> Any:
    client = Client(schema_name=name, name=name)
    client.save(verbosity=0)
    return client


def _tenant(name: str) -> Call:
    host = f"{name}.localhost"
    Domain(domain=host, tenant=_client(name)).save()
    with schema_context(name):
        user = User.objects.create_user("owner", f"owner@{name}.example")
        _fill()
        return Call(host, "/api/products/", "", str(AccessToken.for_user(user)))


def _fill() -> None:
    made = [Category.objects.create(**row) for row in shelf.categories()]
    for number, row in enumerate(shelf.products()):
        Product.objects.create(**row, category=made[number % len(made)])

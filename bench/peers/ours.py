"""The product's tenants, rows and tokens."""

from bench.peers import shelf
from bench.peers.call import Call
from shared_apps.clients.services import as_tenant, sign_up
from tenant_apps.products.models import Category, Product
from tenants.context import Tenant, unit_of_work
from tenants.users.models import User
from tenants.users.tokens import AccessToken


def prepare(tenants: int, prefix: str = "ours") -> list[Call]:
    """Sign the tenants up, and answer with one call for each of them."""
    return [_tenant(f"bench-{prefix}-{number}") for number in range(tenants)]


def product_list(host: str, user: User) -> Call:
    """The call that is measured: a page of products, asked for with an access token."""
    return Call(host, "/api/v1/products/", f"limit={shelf.PAGE}", str(AccessToken.issue(user)))


def fill() -> None:
    """Put the shelf into the schema that is entered."""
    made = [Category.objects.create(**row) for row in shelf.categories()]
    for number, row in enumerate(shelf.products()):
        Product.objects.create(**row, category=made[number % len(made)])


def _tenant(name: str) -> Call:
    tenant = _sign_up(name)
    with unit_of_work(tenant):
        fill()
        return product_list(tenant.host, User.objects.get())


def _sign_up(name: str) -> Tenant:
    email, password = f"owner@{name}.example", "correct horse battery"
    return as_tenant(sign_up(company=name, subdomain=name, email=email, password=password))

"""The product's tenants, rows and tokens."""

from dataclasses import replace

from bench.peers import shelf
from bench.peers.call import Call, Scenarios
from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant, sign_up
from tenant_apps.products.models import Category, Product
from tenants.api.renderers import dump_json
from tenants.audit.actors import Actor
from tenants.context import Tenant, unit_of_work
from tenants.users.models import User
from tenants.users.services import create_api_token
from tenants.users.tokens import AccessToken


def prepare(tenants: int, prefix: str = "ours") -> Scenarios:
    """Sign the tenants up, and answer with the calls of each scenario, one for each tenant."""
    made = [_tenant(f"bench-{prefix}-{number}") for number in range(tenants)]
    return {name: [calls[name] for calls in made] for name in (made[0] if made else ())}


def product_list(host: str, user: User) -> Call:
    """The call that is measured: a page of products with their categories, asked for with an access token."""
    return Call(
        host, "/api/v1/products/", f"limit={shelf.PAGE}&expand=category", str(AccessToken.issue(user))
    )


def fill() -> None:
    """Put the shelf into the schema that is entered."""
    made = [Category.objects.create(**row) for row in shelf.categories()]
    for number, row in enumerate(shelf.products()):
        Product.objects.create(**row, category=made[number % len(made)])


def _tenant(name: str) -> dict[str, Call]:
    tenant = _sign_up(name)
    with unit_of_work(tenant):
        fill()
        user = User.objects.get()
        actor = Actor(kind="user", id=user.id, label=user.email)
        scopes = ["products:read", "orders:write", "orders:read"]
        _, secret = create_api_token(actor=actor, owner=user, name="Bench", scopes=scopes)
        return scenarios(product_list(tenant.host, user), secret)


def scenarios(listed: Call, secret: str) -> dict[str, Call]:
    """The same calls with an access token and with an API token, and the list on the ordinary way."""
    product, *others = Product.objects.order_by("sku")[:3]
    lines = [{"product": str(each.id), "quantity": 2} for each in (product, *others)]
    shown = replace(listed, path=f"/api/v1/products/{product.id}/", query="expand=category")
    ordered = replace(
        listed, path="/api/v1/orders/", query="", body=dump_json({"lines": lines}), expected="201"
    )
    calls = {"list": listed, "retrieve": shown, "create_order": ordered}
    # A cookie that nobody reads is unusual, and so keeps a read off the short way.
    plain = replace(listed, headers=(("HTTP_COOKIE", "plain=yes"),))
    return {
        **{f"{name}_jwt": call for name, call in calls.items()},
        **{f"{name}_token": replace(call, token=secret) for name, call in calls.items()},
        "list_ordinary": plain,
    }


def _sign_up(name: str) -> Tenant:
    email, password = f"owner@{name}.example", "correct horse battery"
    client = sign_up(company=name, subdomain=name, email=email, password=password)
    # The largest plan: limits are kept and metered, and not reached.
    client.plan = Client.Plan.BUSINESS
    client.save(update_fields=["plan"])
    return as_tenant(client)

"""The demo tenants: two small shops with people, products, two months of orders and work left to do; and an empty one.

The first subscribes as soon as there is a simulated Stripe, the second is on its trial, the third has the Free plan.
"""

import csv
import io
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.files.base import ContentFile
from django.utils import timezone
from django.utils.crypto import get_random_string

from billing.plans.publishing import synchronise_plans
from billing.subscriptions.problems import AlreadySubscribed
from billing.subscriptions.services import continue_on_free, finish_checkout, start_checkout
from billing.usage.ledger import record_usage
from billing.usage.rollups import fold
from billing.usage.snapshots import take_snapshots
from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant, sign_up
from shared_apps.clients.standing import set_standing
from tenant_apps.imports.models import Import
from tenant_apps.imports.running import run_import
from tenant_apps.imports.services import upload_import
from tenant_apps.orders.customers.services import create_customer
from tenant_apps.orders.fulfilments.services import Portion, return_goods
from tenant_apps.orders.models import Customer, Order
from tenant_apps.orders.payments.services import refund_order
from tenant_apps.orders.services import (
    LineInput,
    create_and_place_order,
    create_draft,
    fulfil_order,
    pay_order,
)
from tenant_apps.orders.taxes.services import create_tax_rule
from tenant_apps.orders.terms import AmountTerms
from tenant_apps.products.models import Product
from tenant_apps.products.services import create_category, create_product, receive_stock
from tenants.audit.actors import Actor
from tenants.context import Tenant, public_context, tenant_context, unit_of_work
from tenants.users.accounts import create_operator, create_user
from tenants.users.hashing import SharedPassword
from tenants.users.models import ApiToken, User
from tenants.users.permissions import SCOPES
from tenants.users.services import create_api_token, revoke_api_token
from tenants.users.verification import tenant_url

ACTOR: Final = Actor.system("demo")
OPERATOR: Final = "operator@platform.example"
ROLES: Final = ("owner", "admin", "member", "viewer")
TOKEN_NAME: Final = "Demo"  # noqa: S105  (a label)
HISTORY: Final = "orders-before-rowhouse.csv"
DAYS, ORDERS = 60, 140
CARD: Final = "4242424242424242"

Item = tuple[str, str, str, int]


@dataclass(frozen=True)
class Shop:
    """One demo tenant; items are SKU, name, price and stock, by category."""

    subdomain: str
    company: str
    currency: str
    time_zone: str
    shelves: dict[str, tuple[Item, ...]]
    customers: tuple[tuple[str, str, str, str], ...]
    # On the Free plan from the start; the others begin with a trial.
    is_free: bool = False

    @property
    def items(self) -> list[Item]:
        return [item for items in self.shelves.values() for item in items]


SHOPS: Final = (
    Shop(
        "acme",
        "Acme Outdoor",
        "GBP",
        "Europe/London",
        {
            "Tents": (
                ("TENT-2P", "Ridge tent for two", "189.00", 24),
                ("TENT-4P", "Dome tent for four", "329.00", 9),
                ("TARP-3M", "Tarp 3 × 3 m", "54.50", 40),
            ),
            "Cooking": (
                ("STOVE-G", "Gas stove", "42.90", 60),
                ("POT-12", "Pot 1.2 l, titanium", "38.00", 35),
                ("MUG-E", "Enamel mug", "7.95", 220),
            ),
            "Light": (
                ("LAMP-H", "Head lamp 300 lm", "29.90", 80),
                ("LANT-S", "Solar lantern", "24.00", 4),
            ),
        },
        (
            ("C-1001", "Harbour Outfitters", "orders@harbour.example", "United Kingdom"),
            ("C-1002", "North Ridge Club", "kit@northridge.example", "United Kingdom"),
            ("C-1003", "Lakeside Campsite", "office@lakeside.example", "Ireland"),
        ),
    ),
    Shop(
        "globex",
        "Globex Kitchens",
        "EUR",
        "Europe/Berlin",
        {
            "Knives": (
                ("KN-CHEF", "Chef's knife 20 cm", "79.00", 45),
                ("KN-PAR", "Paring knife 9 cm", "24.50", 90),
            ),
            "Pans": (
                ("PAN-28", "Steel pan 28 cm", "64.00", 30),
                ("POT-5L", "Stock pot 5 l", "88.00", 12),
                ("WOK-32", "Carbon wok 32 cm", "49.90", 3),
            ),
        },
        (
            ("K-201", "Bistro am Markt", "kontakt@bistro.example", "Germany"),
            ("K-202", "Canteen No. 4", "einkauf@canteen4.example", "Germany"),
            ("K-203", "Cooking school Elbe", "hallo@kochschule.example", "Germany"),
        ),
    ),
    Shop(
        "initech",
        "Initech Prints",
        "EUR",
        "Europe/Vienna",
        {"Prints": (("PRINT-A3", "Print A3", "18.00", 50), ("PRINT-A2", "Print A2", "29.00", 20))},
        (("P-1", "Gallery Nord", "hallo@gallery.example", "Austria"),),
        is_free=True,
    ),
)


def demo_password() -> str:
    """One that can be typed on this machine; where strangers could reach it, one that cannot be guessed."""
    return "let-me-look-around" if settings.PUBLIC_HOST == "localhost" else get_random_string(24)


def seed_demo(password: str) -> dict[str, Any]:
    """Make what is missing and return hosts, people with passwords, and fresh API tokens; older demo tokens end."""
    password = SharedPassword(password)
    return {
        "public": {
            "host": settings.PUBLIC_HOST,
            "url": _public_url("/"),
            "admin_url": _public_url("/admin/"),
        },
        "tenants": [_seed_shop(shop, password) for shop in SHOPS],
        "operators": [_seed_operator(password)],
    }


def subscribe_demo() -> bool:
    """Put the plans on sale at the simulated Stripe, and have the first shop subscribe there; False if it had."""
    with public_context():
        synchronise_plans(actor=ACTOR)
        client = Client.objects.get(subdomain=SHOPS[0].subdomain)
        # What is left of its trial would be free, and there would be no invoice to look at.
        set_standing(client_id=client.pk, actor=ACTOR, reason="The demo buys at once.", trial_ends_at=None)
        tenant = as_tenant(client)
        try:
            checkout = start_checkout(tenant=tenant, plan="team", actor=ACTOR)
        except AlreadySubscribed:
            return False
        _pay(checkout.url)
        is_new = finish_checkout(tenant=tenant, session_id=checkout.id) is not None
    # In this minute it may have been measured already, before the period began.
    _measure(tenant, timezone.now() + timedelta(minutes=1))
    return is_new


def _pay(url: str) -> None:
    """What a person does on the simulator's page."""
    page = urlsplit(url)
    connection = HTTPConnection(page.netloc, timeout=20)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", page.path, urlencode({"card": CARD}), form)
    # It leads back to the shop, where nobody waits.
    connection.getresponse().read()
    connection.close()


def _public_url(path: str) -> str:
    default = {"http": 80, "https": 443}[settings.PUBLIC_SCHEME]
    port = f":{settings.PUBLIC_PORT}" if default != settings.PUBLIC_PORT else ""
    return f"{settings.PUBLIC_SCHEME}://{settings.PUBLIC_HOST}{port}{path}"


def _seed_operator(password: str) -> dict[str, str]:
    with public_context():
        if not User.objects.filter(email=OPERATOR).exists():
            create_operator(email=OPERATOR, password=password, actor=ACTOR)
    return {"email": OPERATOR, "password": password, "role": "operator"}


def _seed_shop(shop: Shop, password: str) -> dict[str, Any]:
    client = Client.objects.filter(subdomain=shop.subdomain).first()
    if client is None:
        client = sign_up(
            company=shop.company,
            subdomain=shop.subdomain,
            email=f"owner@{shop.subdomain}.example",
            password=password,
            currency=shop.currency,
            time_zone=shop.time_zone,
        )
    tenant = as_tenant(client)
    if shop.is_free and client.trial_ends_at is not None:
        continue_on_free(tenant=tenant, actor=ACTOR)
    _fill(tenant, shop, password)
    with unit_of_work(tenant):
        return {
            "name": client.name,
            "host": client.host,
            "url": tenant_url("/"),
            "users": [
                {"email": f"{role}@{shop.subdomain}.example", "role": role, "password": password}
                for role in ROLES
            ],
            "api_tokens": [_fresh_token(shop)],
        }


def _fresh_token(shop: Shop) -> dict[str, Any]:
    for old in ApiToken.objects.usable().filter(name=TOKEN_NAME):
        revoke_api_token(actor=ACTOR, token=old)
    owner = User.objects.get(email=f"owner@{shop.subdomain}.example")
    token, secret = create_api_token(actor=ACTOR, owner=owner, name=TOKEN_NAME, scopes=SCOPES)
    return {"name": token.name, "token": secret, "scopes": token.scopes}


def _fill(tenant: Tenant, shop: Shop, password: str) -> None:
    """Add what a seeding that was cut off has not come to."""
    with unit_of_work(tenant):
        for role in ROLES[1:]:
            email = f"{role}@{shop.subdomain}.example"
            if not User.objects.filter(email=email).exists():
                create_user(email=email, password=password, role=role, actor=ACTOR)
        if not Product.objects.exists():
            _stock_shelves(shop)
            for reference, name, email, country in shop.customers:
                create_customer(actor=ACTOR, reference=reference, name=name, email=email, country=country)
    if not shop.is_free:
        _fill_with_orders(tenant, shop)
        with unit_of_work(tenant):
            _tell_use(shop)
    _measure(tenant, timezone.now())


def _fill_with_orders(tenant: Tenant, shop: Shop) -> None:
    with unit_of_work(tenant):
        history = ContentFile(_history(shop).encode())
        done = Import.objects.filter(file_name=HISTORY).first()
        job = done or upload_import(actor=ACTOR, file=history, name=HISTORY, start=True)
    with tenant_context(tenant):
        run_import(job.pk)
    with unit_of_work(tenant):
        if not Order.objects.drafts().exists():
            _leave_work_to_do()


def _measure(tenant: Tenant, at: datetime) -> None:
    """What workers do twice an hour, so that seats and storage can be seen at once."""
    with tenant_context(tenant):
        take_snapshots(at)
    with public_context():
        fold()


def _tell_use(shop: Shop) -> None:
    """What meters would have counted in the two months: before anybody subscribed, so nothing of it is charged."""
    dice = random.Random(shop.subdomain)  # noqa: S311  (demo figures, no secret)
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    placed = Counter(at.date() for at in Order.objects.values_list("placed_at", flat=True) if at)
    for at in (noon - timedelta(days=ago) for ago in range(1, DAYS)):
        orders = placed[at.date()]
        used = {
            "api_calls": dice.randint(150, 900),
            "orders_placed": orders,
            "webhooks_delivered": 3 * orders,
        }
        for meter, quantity in used.items():
            if quantity:
                key = f"demo:{meter}:{at:%Y-%m-%d}"
                record_usage(meter=meter, quantity=quantity, idempotency_key=key, at=at)


def _stock_shelves(shop: Shop) -> None:
    for name, items in shop.shelves.items():
        category = create_category(actor=ACTOR, name=name)
        for sku, title, price, stock in items:
            product = create_product(
                actor=ACTOR, sku=sku, name=title, price=Decimal(price), category=category, low_stock_at=5
            )
            receive_stock(actor=ACTOR, product=product, quantity=stock, note="Opening stock")


def _history(shop: Shop) -> str:
    """Order lines of the last two months, the same at each seeding but for the dates."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        ["Invoice", "SKU", "Description", "Quantity", "Date", "Unit price", "Customer", "Customer name"]
    )
    writer.writerows(_order_lines(shop, random.Random(shop.subdomain)))  # noqa: S311  (demo figures, no secret)
    return text.getvalue()


def _order_lines(shop: Shop, dice: random.Random) -> Iterator[list[object]]:
    start = timezone.now().replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=DAYS + 1)
    for number in range(ORDERS):
        at = start + timedelta(days=DAYS * number / ORDERS, minutes=dice.randrange(400))
        reference, name, _, _ = dice.choice(shop.customers)
        for sku, title, price, _ in dice.sample(shop.items, dice.randint(1, 3)):
            date = at.strftime("%Y-%m-%d %H:%M:%S")
            yield [f"{5000 + number}", sku, title, dice.randint(1, 6), date, price, reference, name]


def _leave_work_to_do() -> None:
    products = Product.objects.active().order_by("-on_hand", "sku")
    customers = list(Customer.objects.all()[:3])
    create_tax_rule(actor=ACTOR, name="VAT", rate=Decimal(20))
    lines = [LineInput(product.pk, 2) for product in products[:2]]
    discount = AmountTerms(
        discount_kind="percent", discount_value=Decimal(10), discount_reason="Season's end"
    )
    delivery = AmountTerms(shipping_description="Parcel", shipping_total=Decimal("4.90"))
    create_draft(actor=ACTOR, lines=lines, customer=customers[0], note="Waiting for the delivery address")
    waiting = create_and_place_order(actor=ACTOR, lines=lines, customer=customers[0], **discount)
    pay_order(actor=ACTOR, order=waiting, amount=Decimal("20.00"), method="card", reference="ch_1042")
    _send_half(
        create_and_place_order(actor=ACTOR, lines=lines, customer=customers[1], **delivery, tags=["gift"])
    )
    _take_one_back(create_and_place_order(actor=ACTOR, lines=lines, customer=customers[2], **delivery))


def _send_half(order: Order) -> None:
    order = pay_order(actor=ACTOR, order=order, method="bank_transfer")
    first = [Portion(line.pk, 1) for line in order.lines.all()]
    fulfil_order(actor=ACTOR, order=order, lines=first, carrier="DHL", tracking_number="00340434161094")


def _take_one_back(order: Order) -> None:
    order = fulfil_order(actor=ACTOR, order=pay_order(actor=ACTOR, order=order, method="card"))
    line = order.lines.all()[0]
    order = return_goods(actor=ACTOR, order=order, lines=[Portion(line.pk, 1)], note="Too large")
    refund_order(actor=ACTOR, order=order, amount=line.unit_price, reason="Too large", pending=True)

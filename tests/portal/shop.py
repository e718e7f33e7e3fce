"""A shop with something of everything, for tests that look at pages."""

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from django.core.files.base import ContentFile

from shared_apps.domains.models import Claim
from shared_apps.domains.services import claim_domain
from tenant_apps.imports.models import Import
from tenant_apps.imports.running import run_import
from tenant_apps.imports.services import upload_import
from tenant_apps.invoices.models import Invoice
from tenant_apps.orders.customers.addresses import add_address
from tenant_apps.orders.customers.models import Address, CustomerNote
from tenant_apps.orders.customers.notes import add_note
from tenant_apps.orders.customers.services import create_customer
from tenant_apps.orders.models import Customer, Order, TaxRule
from tenant_apps.orders.services import cancel_order, close_order, fulfil_order
from tenant_apps.orders.taxes.services import create_tax_rule
from tenant_apps.products.counts import open_count
from tenant_apps.products.images import add_image
from tenant_apps.products.models import Category, Image, Location, Product, StockDocument
from tenant_apps.products.services import archive_product, create_category
from tenant_apps.products.transfers import send_transfer
from tenant_apps.webhooks.models import Delivery, Endpoint
from tenants.context import Tenant, current_tenant, tenant_context, unit_of_work
from tenants.users.models import ApiToken, User
from tenants.users.services import create_api_token
from tests.invoices.builders import an_invoice
from tests.orders.builders import a_draft, a_paid_order, a_placed_order
from tests.products.builders import CLERK, a_location, a_product, a_service, a_shirt, a_transfer
from tests.products.pictures import a_picture
from tests.webhooks.builders import a_webhook

LINES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE HANGING HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
536365,71053,WHITE METAL LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom
C536366,71053,WHITE METAL LANTERN,-1,2010-12-02 08:26:00,3.39,17850.0,United Kingdom
536367,71053,WHITE METAL LANTERN,many,2010-12-02 09:00:00,3.39,17850.0,United Kingdom
"""


@dataclass
class Shop:
    """One of each, ready for their pages."""

    category: Category
    product: Product
    low: Product
    archived: Product
    service: Product
    shirt: Product
    image: Image
    customer: Customer
    address: Address
    note: CustomerNote
    draft: Order
    placed: Order
    paid: Order
    closed: Order
    cancelled: Order
    token: ApiToken
    place: Location
    transfer: StockDocument
    sent: StockDocument
    count: StockDocument
    domain: Claim
    invoice: Invoice
    owner: User
    delivery: Delivery
    endpoint: Endpoint
    tax_rule: TaxRule

    def path(self, template: str) -> str:
        """A path with the ids of this shop's records put in: `/orders/{paid}/`."""
        return template.format(**{field.name: getattr(self, field.name).pk for field in fields(self)})


def open_shop(tenant: Tenant, owner: User) -> Shop:
    """Fill a tenant by the verbs that people use."""
    with unit_of_work(tenant):
        return _filled(owner)


def _filled(owner: User) -> Shop:
    category = create_category(actor=CLERK, name="Kitchen")
    create_category(actor=CLERK, name="Jugs", parent=category)
    product = a_product(name="Enamel jug", category=category, opening_stock=100, description="Blue.")
    low = a_product(name="Oak tray", opening_stock=2, low_stock_at=5)
    archived = archive_product(actor=CLERK, product=a_product(name="Old tray"))
    customer = create_customer(
        actor=CLERK,
        name="Ada Lovelace",
        email="ada@analytical.example",
        reference="C-17",
        country="United Kingdom",
        phone="+44 20 7946 0000",
        note="Pays at once.",
    )
    wanted: tuple[Any, ...] = ((product, 2), (low, 1))
    closed = close_order(
        actor=CLERK,
        order=fulfil_order(actor=CLERK, order=a_paid_order((product, 1), customer=customer)),
    )
    cancelled = cancel_order(actor=CLERK, order=a_placed_order((product, 1)), note="Ordered twice")
    delivery = a_webhook()
    token, _ = create_api_token(actor=CLERK, owner=owner, name="Web shop", scopes=["orders:read"])
    place, bowl = a_location(), a_product(name="Blue bowl", opening_stock=9)
    sent = send_transfer(actor=CLERK, transfer=a_transfer((bowl, 4), to=place))
    return Shop(
        category=category,
        product=product,
        low=low,
        archived=archived,
        service=a_service(),
        shirt=a_shirt(compare_at_price=Decimal(12), tags=["linen"]),
        image=add_image(actor=CLERK, product=product, file=a_picture(), alt="A blue jug"),
        customer=customer,
        address=add_address(actor=CLERK, customer=customer, line1="1 High St", city="Oxford", country="GB"),
        note=add_note(actor=CLERK, customer=customer, text="Rang about the jug"),
        draft=a_draft((product, 3), customer=customer, note="Ring twice"),
        placed=a_placed_order((product, 1), customer=customer),
        paid=a_paid_order(*wanted[:1], customer=customer, note="To the back door"),
        closed=closed,
        cancelled=cancelled,
        token=token,
        owner=owner,
        place=place,
        transfer=a_transfer((product, 5), to=place),
        sent=sent,
        count=open_count(actor=CLERK, location=Location.objects.default()),
        delivery=delivery,
        endpoint=delivery.endpoint,
        tax_rule=create_tax_rule(actor=CLERK, name="Export", rate=Decimal(0), country="US"),
        domain=claim_domain(tenant_id=current_tenant().id, domain="shop.münchen.example", actor=CLERK),
        invoice=an_invoice(closed),
    )


def an_import(tenant: Tenant, *, start: bool = True, text: str = LINES) -> Import:
    """A file that was uploaded, and handed to a worker if the test says so."""
    with unit_of_work(tenant):
        file: Any = ContentFile(text.encode())
        return upload_import(actor=CLERK, file=file, name="lines.csv", start=start)


def a_finished_import(tenant: Tenant, text: str = LINES) -> Import:
    """An import that a worker has run to its end."""
    job = an_import(tenant, text=text)
    with tenant_context(tenant):
        run_import(job.pk)
    with unit_of_work(tenant):
        return Import.objects.get(pk=job.pk)

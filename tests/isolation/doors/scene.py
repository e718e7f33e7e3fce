"""The stage of the isolation suite: acme with rows of every kind, a marked neighbour, and all credentials."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.test import Client

from billing.models import StripeInvoice
from shared_apps.clients.models import Client as TenantClient
from shared_apps.clients.services import as_tenant, sign_up
from shared_apps.clients.statuses import suspend_client
from shared_apps.domains.models import Claim
from tenant_apps.imports.services import upload_import
from tenant_apps.invoices.models import InvoiceFile
from tenant_apps.invoices.services import issue_credit_note, issue_invoice
from tenant_apps.orders.customers.addresses import add_address
from tenant_apps.orders.customers.notes import add_note
from tenant_apps.orders.customers.services import create_customer
from tenant_apps.orders.fulfilments.services import Portion
from tenant_apps.orders.payments.services import refund_order
from tenant_apps.orders.services import (
    LineInput,
    cancel_order,
    close_order,
    create_and_place_order,
    create_draft,
    fulfil_order,
    pay_order,
)
from tenant_apps.orders.taxes.services import create_tax_rule
from tenant_apps.products.bulk import PRODUCTS as PRODUCTS_BULK
from tenant_apps.products.images import add_image
from tenant_apps.products.models import Category, Product
from tenant_apps.products.services import create_category, create_product, receive_stock
from tenant_apps.reports.services import roll_up
from tenants.api.jobs import start_job
from tenants.audit.actors import Actor
from tenants.context import Tenant, public_context, unit_of_work
from tenants.hosts import directory
from tenants.users.accounts import create_user
from tenants.users.models import ApiToken, SignIn, User
from tenants.users.permissions import SCOPES
from tenants.users.services import create_api_token, revoke_api_token
from tenants.users.sign_ins import begin_sign_in
from tests.billing.contracts import invoiced
from tests.cast import PASSWORD, ROLES, tenant_named
from tests.invoices.builders import a_seller
from tests.isolation.doors.canary import CANARY, Watch, keys_of, mark
from tests.isolation.doors.kinds import KINDS, Kind, Outcome, browser, carrying, signed_in, token_of
from tests.isolation.doors.rows import ensure_rows, ids_of, owned_models
from tests.products.builders import some_documents
from tests.products.pictures import a_picture
from tests.stage import administrator
from tests.webhooks.builders import a_webhook

CLERK = Actor.system("the scene")
FILE = (
    "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
    "536365,{0}-1,{0} mug,6,2010-12-31 08:26:00,2.55,17850,France\n"
    "536366,{0}-2,{0} cup,6,2010-12-31 08:28:00,1.85,17851,{0}\n"
)
Rows = dict[type[Model], list[Any]]


class ApiTokens:
    """API tokens of acme by their scopes, made when they are asked for first."""

    def __init__(self, secrets: dict[frozenset[str], str]) -> None:
        self._secrets = secrets

    def only(self, verb: str | None) -> str:
        """With this scope alone; with all where the verb is no scope."""
        return self._secrets[frozenset({verb} & SCOPES) or SCOPES]  # type: ignore[arg-type]

    def all_but(self, verb: str | None) -> str:
        """With all scopes except this one."""
        return self._secrets[SCOPES - {verb or ""}]


@dataclass(frozen=True)
class Former:
    """Somebody's credentials from better times."""

    browser: Client
    token: str
    api_token: str


@dataclass
class Scene:
    """Everything that a walk needs; made once for a module."""

    acme: Tenant
    globex: Tenant
    people: dict[str, User]
    stranger: User
    own: Rows
    theirs: Rows
    watch: Watch
    unmarked: set[str]
    api_tokens: ApiTokens
    strange_api_token: str
    revoked_api_token: str
    deactivated: Former
    renewed: Former
    demoted: Former
    shut: dict[Outcome, dict[str, Client]]
    owner: Client
    program: Client
    _clients: dict[tuple[str, str | None], Client] = field(default_factory=dict)

    def client(self, kind: Kind, verb: str | None) -> Client:
        """A client with this kind of credential."""
        key = (kind.name, verb if "scope" in kind.name else None)
        if key not in self._clients:
            self._clients[key] = kind.make(self, verb)
        return self._clients[key]

    def prepare(self) -> None:
        """Make all credentials that write something when they are made."""
        for kind in KINDS:
            self.client(kind, None)


def build() -> Scene:
    """Fill both tenants, mark the neighbour, and hand every credential out."""
    acme, globex = tenant_named("acme"), tenant_named("globex")
    _fill(acme, "OWN")
    strange_api_token = _fill(globex, CANARY)
    _claim(acme, "OWN")
    _claim(globex, CANARY)
    for tenant, word in ((acme, "OWN"), (globex, CANARY)):
        for number in (1, 2):
            invoiced(tenant, number, number=f"{word}-{number}")
    _, unmarked = mark(globex.schema)
    with administrator() as connection:
        connection.execute("UPDATE clients_client SET name = %s WHERE id = %s", [f"{CANARY} Ltd", globex.id])
    directory.forget()
    people = _people(acme)
    scene = Scene(
        acme=acme,
        globex=globex,
        people=people,
        stranger=_people(globex)["owner"],
        own=_rows(acme),
        theirs=_theirs(acme, globex),
        watch=Watch(
            globex, shared=keys_of(acme), also=[*_rows(globex)[Claim], *_rows(globex)[StripeInvoice]]
        ),
        unmarked=unmarked,
        api_tokens=_api_tokens(acme),
        strange_api_token=strange_api_token,
        revoked_api_token=_revoked(acme),
        deactivated=_former(acme, "gone", _deactivate),
        renewed=_former(acme, "renewed", _renew),
        demoted=_former(acme, "demoted", _demote),
        owner=signed_in(acme, people["owner"]),
        program=carrying(acme, token_of(acme, people["owner"])),
        shut={Outcome.CLOSED: _suspended(), Outcome.NOWHERE: _deleted()},
    )
    scene.prepare()
    with administrator() as admin:
        # The use of a token is noted once a minute; here it would be one more write to take back each time.
        admin.execute(f"UPDATE \"{acme.schema}\".users_apitoken SET last_used_at = now() + interval '1 day'")
    return scene


# Rows


def _fill(tenant: Tenant, word: str) -> str:
    """Rows for every table, made by the verbs that people use; the secret of an API token with all scopes."""
    with unit_of_work(tenant):
        categories = [create_category(actor=CLERK, name=name) for name in ("Mugs", "Cups")]
        product, _ = [_product(number, category) for number, category in enumerate(categories)]
        receive_stock(actor=CLERK, product=product, quantity=1)
        customer, _ = [
            create_customer(actor=CLERK, name="Buyer", reference=f"C-{number}") for number in (1, 2)
        ]
        for text in ("Rang", "Wrote"):
            add_note(actor=CLERK, customer=customer, text=text)
            add_address(actor=CLERK, customer=customer, line1="Via Po 1", city="Torino", country="IT")
        _orders([LineInput(product.pk, 1)], customer)
        some_documents(product)
        for _ in range(2):
            add_image(actor=CLERK, product=product, file=a_picture(size=(4, 4)))
        for name in ("first", "second"):
            file = SimpleUploadedFile("lines.csv", FILE.format(word).encode())
            upload_import(actor=CLERK, file=file, name=f"{name} {word}.csv", start=False)
        for _ in range(2):
            start_job(actor=CLERK, kind=PRODUCTS_BULK.job, parameters={"items": []}, total=0)
        owner = User.objects.get(role="owner")
        for kind in SignIn.Kind.values:
            begin_sign_in(user=owner, kind=kind, client=word)
        for number in (1, 2):
            a_webhook(f"{word}.shop-{number}")
        tokens = [create_api_token(actor=CLERK, owner=owner, name=word, scopes=SCOPES) for _ in range(2)]
        roll_up()
        ensure_rows()
    return tokens[0][1]


def _claim(tenant: Tenant, word: str) -> None:
    """Names that the tenant wants. The word as it is everywhere; a real name is in small letters."""
    for number in (1, 2):
        Claim(tenant_id=tenant.id, domain=f"{word}.shop-{number}.example").save()


def _product(number: int, category: Category) -> Product:
    return create_product(
        actor=CLERK, sku=f"MUG-{number}", name="Mug", price=Decimal(5), category=category, opening_stock=1_000
    )


def _orders(lines: list[LineInput], customer: Any) -> None:
    """One order in each state; of the first, one piece has left, and money is on its way back; and documents."""
    more = [LineInput(lines[0].product_id, 5)]
    first = pay_order(actor=CLERK, order=create_and_place_order(actor=CLERK, lines=more, customer=customer))
    fulfil_order(actor=CLERK, order=first, lines=[Portion(first.lines.get().pk, 2)])
    refund_order(actor=CLERK, order=first, amount=Decimal(1), pending=True)
    for name in ("VAT", "Export"):
        create_tax_rule(actor=CLERK, name=name, rate=Decimal(0), country="DE" if name == "VAT" else "US")
    create_draft(actor=CLERK, lines=lines, customer=customer)
    placed = [create_and_place_order(actor=CLERK, lines=lines, customer=customer) for _ in range(5)]
    for order in placed[1:4]:
        pay_order(actor=CLERK, order=order)
    for order in placed[2:4]:
        fulfil_order(actor=CLERK, order=order)
    close_order(actor=CLERK, order=placed[3])
    cancel_order(actor=CLERK, order=placed[4])
    a_seller()
    for order in placed[:2]:
        issue_credit_note(actor=CLERK, invoice=issue_invoice(actor=CLERK, order=order))
    InvoiceFile.objects.update(state="ready", path="invoices/one.pdf", size=1, sha256="0")


def _rows(tenant: Tenant) -> Rows:
    with unit_of_work(tenant):
        return {model: ids_of(model) for model in owned_models()}


def _theirs(own: Tenant, other: Tenant) -> Rows:
    """The neighbour's rows; where there are others, without ids that every tenant has (its first location's)."""
    ours = _rows(own)
    return {
        model: [key for key in keys if key not in ours[model]] or keys for model, keys in _rows(other).items()
    }


# People and credentials


def _people(tenant: Tenant) -> dict[str, User]:
    with unit_of_work(tenant):
        return {user.role: user for user in User.objects.filter(role__in=ROLES)}


def _api_tokens(tenant: Tenant) -> ApiTokens:
    wanted = {SCOPES, *(frozenset({scope}) for scope in SCOPES), *(SCOPES - {scope} for scope in SCOPES)}
    with unit_of_work(tenant):
        owner = User.objects.get(role="owner")
        return ApiTokens(
            {
                scopes: create_api_token(actor=CLERK, owner=owner, name="Program", scopes=scopes)[1]
                for scopes in wanted
            }
        )


def _revoked(tenant: Tenant) -> str:
    with unit_of_work(tenant):
        owner = User.objects.get(role="owner")
        token, secret = create_api_token(actor=CLERK, owner=owner, name="Revoked", scopes=SCOPES)
        revoke_api_token(actor=CLERK, token=token)
    return secret


def _former(tenant: Tenant, name: str, end: Callable[[User], None]) -> Former:
    """Somebody who signed in as an admin before something ended their credentials."""
    with unit_of_work(tenant):
        user = create_user(email=f"{name}@own.example", password=PASSWORD, role="admin", actor=CLERK)
        mine = ApiToken.Kind.PERSONAL
        _, secret = create_api_token(actor=CLERK, owner=user, name=name, scopes=SCOPES, kind=mine)
    former = Former(signed_in(tenant, user), token_of(tenant, user), secret)
    with unit_of_work(tenant):
        end(user)
        user.save()
    return former


def _deactivate(user: User) -> None:
    user.is_active = False


def _demote(user: User) -> None:
    user.role = "viewer"


def _renew(user: User) -> None:
    user.set_password("another horse battery")


# Tenants that are shut


def _suspended() -> dict[str, Client]:
    with _short_lived("hooli") as (client, browsers), public_context():
        suspend_client(client_id=client.pk, actor=CLERK, reason="a test")
    return browsers


def _deleted() -> dict[str, Client]:
    """Credentials of a tenant whose client, domain and schema are gone."""
    with _short_lived("initech") as (client, browsers), administrator() as connection:
        connection.execute(
            f"DELETE FROM clients_domain WHERE tenant_id = '{client.pk}';"
            f"DELETE FROM clients_client WHERE id = '{client.pk}';"
            "UPDATE clients_directoryversion SET version = version + 1;"
            f'DROP SCHEMA "{client.schema_name}" CASCADE; DROP ROLE "{client.schema_name}"'
        )
    return browsers


@contextmanager
def _short_lived(name: str) -> Iterator[tuple[TenantClient, dict[str, Client]]]:
    client = sign_up(company=name, subdomain=name, email=f"owner@{name}.example", password=PASSWORD)
    tenant = as_tenant(client)
    owner = _people(tenant)["owner"]
    with unit_of_work(tenant):
        _, secret = create_api_token(actor=CLERK, owner=owner, name=name, scopes=SCOPES)
    yield (
        client,
        {
            "by session": signed_in(tenant, owner),
            "by access token": carrying(tenant, token_of(tenant, owner)),
            "by API token": carrying(tenant, secret),
            "with nothing": browser(tenant),
        },
    )
    directory.forget()

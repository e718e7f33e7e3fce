"""The journey of bin/dev --check: strangers sign up, sell, import, and cannot see each other."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from config import env
from infra.local.ports import LOOPBACK
from infra.local.stranger import Stranger, Unexpected

PASSWORD = secrets.token_urlsafe(12)
IMPORT_SECONDS = 60
SUSPENSION_SECONDS = 2.0
SUBSCRIPTION_SECONDS = 30.0
GOOD_CARD = "4242424242424242"
FORM = "application/x-www-form-urlencoded"
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
LINES = (
    "900001,JRN-1,ENAMEL JUG,6,2024-03-01 08:26:00,2.55,17850.0,United Kingdom",
    "900001,JRN-2,OAK TRAY,2,2024-03-01 08:26:00,3.39,17850.0,United Kingdom",
    "900002,JRN-1,ENAMEL JUG,1,2024-03-01 09:10:00,2.55,,France",
    "C900003,JRN-2,OAK TRAY,-1,2024-03-02 10:00:00,3.39,17850.0,United Kingdom",
    "900004,JRN-3,NO QUANTITY,many,2024-03-02 11:00:00,1.25,12583.0,France",
    "900005,,NO CODE,3,2024-03-02 11:05:00,1.25,12583.0,France",
    "900006,JRN-4,NO DATE,3,yesterday,1.25,12583.0,France",
)
COUNTS = {
    "rows_read": 7,
    "rows_imported": 4,
    "rows_rejected": 3,
    "orders_created": 2,
    "cancellations_created": 1,
    "products_created": 2,
}


@dataclass
class Company:
    """What a stranger chose at sign-up, and got afterwards."""

    name: str
    port: int
    subdomain: str = ""
    person: Stranger = field(init=False)
    access: str = ""
    api_token: str = ""
    product: dict[str, Any] = field(default_factory=dict)
    order: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.subdomain = f"{self.name.lower()}-{secrets.token_hex(4)}"
        self.person = Stranger(self.port, self.host)

    @property
    def host(self) -> str:
        """The tenant's host."""
        return f"{self.subdomain}.{env.text('PUBLIC_HOST')}"

    @property
    def email(self) -> str:
        """The owner's address."""
        return f"owner@{self.subdomain}.example"

    def sign_up_fields(self) -> dict[str, str]:
        """What the form and the API ask for."""
        return {"company": self.name, "subdomain": self.subdomain, "email": self.email, "password": PASSWORD}


class Journey:
    """Each step is a method; the first that fails ends the journey."""

    def __init__(self, port: int, demo: dict[str, Any]) -> None:
        self.port, self.demo = port, demo
        self.ours, self.neighbour = Company("Harbour", port), Company("Quarry", port)

    def steps(self) -> tuple[tuple[str, Callable[[], None]], ...]:
        """In this order."""
        return (
            ("a stranger opens the public site", self.public_site),
            ("a company signs up through the API", self.sign_up_by_api),
            ("its neighbour signs up through the form", self.sign_up_by_form),
            ("the same name cannot be had twice", self.name_taken),
            ("the owner signs in to the portal", self.portal_login),
            ("both owners get tokens and ask who they are", self.tokens),
            ("a product is made", self.make_product),
            ("stock arrives", self.receive_stock),
            ("an order is placed and reserves the stock", self.place_order),
            ("a file of dirty order lines is imported", self.run_import),
            ("the neighbour's credentials are worth nothing here", self.foreign_credentials),
            ("the neighbour cannot see products and orders by id", self.foreign_ids),
            ("a plan is bought at the simulated Stripe", self.subscribe),
            ("an operator sees both companies", self.operator_list),
            ("a suspended company is closed within 2 s", self.suspension),
        )

    def public_site(self) -> None:
        stranger = Stranger(self.port, env.text("PUBLIC_HOST"))
        stranger.visit("/").expect(200)
        Stranger(self.port, f"nobody-has-this.{env.text('PUBLIC_HOST')}").visit("/").expect(404)

    def sign_up_by_api(self) -> None:
        answer = Stranger(self.port, env.text("PUBLIC_HOST")).ask(
            "POST", "/api/v1/signup/", data=self.ours.sign_up_fields()
        )
        answer.expect(201)

    def sign_up_by_form(self) -> None:
        guest = Stranger(self.port, env.text("PUBLIC_HOST"))
        guest.submit("/sign-up/", self.neighbour.sign_up_fields()).expect(200)
        _require(
            guest.host == self.neighbour.host, f"The form led to {guest.host}, not to {self.neighbour.host}"
        )
        self.neighbour.person = guest

    def name_taken(self) -> None:
        fields = self.ours.sign_up_fields() | {"email": "second@journey.example"}
        Stranger(self.port, env.text("PUBLIC_HOST")).ask("POST", "/api/v1/signup/", data=fields).expect(409)

    def portal_login(self) -> None:
        person, login = self.ours.person, {"email": self.ours.email, "password": "not the password"}
        _require("/sign-in/" in person.visit("/").url, "The portal let a stranger in")
        person.submit("/sign-in/", login).expect(200, 401, 403, 422)
        _require("/sign-in/" in person.visit("/").url, "The portal took a wrong password")
        person.submit("/sign-in/", login | {"password": PASSWORD}).expect(200)
        _require(
            "/sign-in/" not in person.visit("/").expect(200).url, "The portal refused the right password"
        )

    def tokens(self) -> None:
        for company in (self.ours, self.neighbour):
            login = {"email": company.email, "password": PASSWORD}
            pair = company.person.ask("POST", "/api/v1/auth/token/", data=login).expect(200).json()
            _require(bool(pair["access"] and pair["refresh"]), "There was no pair of tokens")
            company.access = pair["access"]
            me = company.person.ask("GET", "/api/v1/me/", token=company.access).expect(200)
            _require(company.email in me.text, f"/me/ did not name {company.email}: {me.text[:300]}")
            company.api_token = self._api_token(company)

    def _api_token(self, company: Company) -> str:
        asked = {"name": "journey", "scopes": ["products:read"]}
        made = company.person.ask("POST", "/api/v1/api-tokens/", data=asked, token=company.access)
        token = str(made.expect(201).json()["token"])
        company.person.ask("GET", "/api/v1/products/", token=token).expect(200)
        company.person.ask("GET", "/api/v1/orders/", token=token).expect(403)
        return token

    def make_product(self) -> None:
        asked = {
            "sku": "JRN-LAMP",
            "name": "Harbour lamp",
            "price": "24.50",
            "status": "active",
            "kind": "goods",
        }
        self.ours.product = self._post("/api/v1/products/", asked, 201)
        _require(self.ours.product["price"] == "24.50", "The price came back changed")

    def receive_stock(self) -> None:
        path = f"/api/v1/products/{self.ours.product['id']}/"
        self._post(f"{path}receive/", {"quantity": 10}, 200, 201)
        _require(self._get(path)["on_hand"] == 10, "The stock did not arrive")

    def place_order(self) -> None:
        line = {"product": self.ours.product["id"], "quantity": 3}
        order = self._post("/api/v1/orders/", {"lines": [line]}, 201)
        self.ours.order = self._post(f"/api/v1/orders/{order['id']}/place/", {}, 200)
        _require(self.ours.order["number"] == 1, f"The first order's number is {self.ours.order['number']}")
        product = self._get(f"/api/v1/products/{self.ours.product['id']}/")
        _require(product["reserved"] == 3, f"Reserved are {product['reserved']}, not 3")

    def run_import(self) -> None:
        content = "\n".join((HEADER, *LINES, "")).encode()
        job = self.ours.person.upload("/api/v1/imports/", {}, "lines.csv", content, self.ours.access)
        path = f"/api/v1/imports/{job.expect(202).json()['id']}/"
        counts = self._finished(path)["counts"]
        _require({name: counts[name] for name in COUNTS} == COUNTS, f"The import counted {counts}")
        report = self.ours.person.ask("GET", f"{path}errors/", token=self.ours.access, accept="text/csv")
        _require(report.expect(200).text.count("JRN-") == 2, f"The report of rejected rows is {report.text}")

    def _finished(self, path: str) -> dict[str, Any]:
        deadline = time.monotonic() + IMPORT_SECONDS
        while (job := self._get(path))["status"] == "running":
            _require(time.monotonic() < deadline, f"The import did not finish in {IMPORT_SECONDS} s: {job}")
            time.sleep(0.1)
        _require(job["status"] == "done", f"The import ended as {job['status']}: {job['error']}")
        return job

    def foreign_credentials(self) -> None:
        here = Stranger(self.port, self.ours.host)
        unknown = here.ask("GET", "/api/v1/products/", token=secrets.token_urlsafe(20)).expect(401).json()
        for token in (self.neighbour.access, self.neighbour.api_token):
            refused = here.ask("GET", "/api/v1/products/", token=token).expect(401).json()
            _require(
                refused["detail"] == unknown["detail"], "A foreign token is told apart from an unknown one"
            )
        here.jar[here.host] = dict(self.neighbour.person.jar[self.neighbour.host])
        _require("/sign-in/" in here.visit("/").url, "The neighbour's session opened this portal")
        here.ask("GET", "/api/v1/products/").expect(401)

    def foreign_ids(self) -> None:
        there, access = self.neighbour.person, self.neighbour.access
        for path in (f"products/{self.ours.product['id']}/", f"orders/{self.ours.order['id']}/"):
            there.ask("GET", f"/api/v1/{path}", token=access).expect(404)
        _require(
            not there.ask("GET", "/api/v1/products/", token=access).json()["data"],
            "There are foreign products",
        )

    def subscribe(self) -> None:
        """Through the page of the simulated Stripe; what was bought is told by its webhook."""
        page = urlsplit(self._checkout())
        if page.hostname != LOOPBACK:
            return
        buyer, card = Stranger(page.port or 80, LOOPBACK), urlencode({"card": GOOD_CARD}).encode()
        buyer.ask("POST", page.path, body=card, content_type=FORM, accept="text/html").expect(303)
        deadline = time.monotonic() + SUBSCRIPTION_SECONDS
        while (found := self._get("/api/v1/billing/subscription/"))["status"] != "trialing":
            _require(time.monotonic() < deadline, f"Nothing was heard of the subscription: {found}")
            time.sleep(0.05)
        _require(found["card"]["last4"] == "4242", f"The card is {found['card']}")

    def _checkout(self) -> str:
        """The address of Stripe's page; the plans may still be on their way there."""
        deadline, asked = time.monotonic() + SUBSCRIPTION_SECONDS, {"plan": "team"}
        path, token = "/api/v1/billing/subscription/checkout/", self.ours.access
        while (answer := self.ours.person.ask("POST", path, data=asked, token=token)).status == 503:
            _require(time.monotonic() < deadline, f"Nothing can be bought: {answer.text[:300]}")
            time.sleep(0.2)
        return str(answer.expect(201).json()["url"])

    def operator_list(self) -> None:
        self.operator = Stranger(self.port, env.text("PUBLIC_HOST"))
        _require("/login/" in self.operator.visit("/admin/").url, "The admin let a stranger in")
        login = self.demo["operators"][0]
        fields = {"username": login["email"], "password": login["password"]}
        self.operator.submit("/admin/login/?next=/admin/", fields).expect(200)
        page = self.operator.visit("/admin/clients/client/").expect(200)
        for company in (self.ours, self.neighbour):
            _require(company.subdomain in page.text, f"The list of clients lacks {company.subdomain}")

    def suspension(self) -> None:
        self.neighbour.person.visit("/").expect(200)
        client = self._client_of(self.neighbour)
        self.operator.submit(f"{client}suspend/", {"reason": "The journey closes it"}).expect(200)
        self._becomes(403, 503)
        self.ours.person.visit("/").expect(200)
        self.operator.submit(f"{client}resume/", {}).expect(200)
        self._becomes(200)

    def _client_of(self, company: Company) -> str:
        page = self.operator.visit(f"/admin/clients/client/?q={company.subdomain}").expect(200)
        found = re.search(r'href="(/admin/clients/client/[0-9a-f-]{36}/)change/', page.text)
        if found is None:
            raise Unexpected(f"The operator's search does not find {company.subdomain}")
        return found[1]

    def _becomes(self, *statuses: int) -> None:
        deadline = time.monotonic() + SUSPENSION_SECONDS
        while (answer := self.neighbour.person.visit("/")).status not in statuses:
            _require(
                time.monotonic() < deadline, f"After {SUSPENSION_SECONDS} s it still says {answer.status}"
            )
            time.sleep(0.05)

    def _post(self, path: str, data: dict[str, Any], *statuses: int) -> dict[str, Any]:
        answer = self.ours.person.ask("POST", path, data=data, token=self.ours.access)
        found: dict[str, Any] = answer.expect(*statuses).json()
        return found

    def _get(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ours.person.ask("GET", path, token=self.ours.access).expect(200).json()
        return found


def walk(port: int, demo: dict[str, Any]) -> bool:
    """Walk the whole journey and print each step with its time; True when every step went well."""
    for title, step in Journey(port, demo).steps():
        began = time.monotonic()
        try:
            step()
        except (Unexpected, OSError, KeyError, ValueError, TypeError) as error:
            print(f"FAILED  {title}\n        {type(error).__name__}: {error}", flush=True)
            return False
        print(f"{title:<58}{(time.monotonic() - began) * 1000:>8.0f} ms", flush=True)
    return True


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Unexpected(otherwise)

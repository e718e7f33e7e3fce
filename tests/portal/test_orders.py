"""Pages of orders: written, placed, moved on, called off."""

import pytest

from tenant_apps.orders.customers.services import create_customer
from tenant_apps.orders.models import Customer, Order, Payment
from tenant_apps.products.models import Product
from tenants.context import unit_of_work
from tests.orders.builders import a_draft, a_placed_order
from tests.portal.test_products import HTMX, text
from tests.products.builders import CLERK, a_product


def form_of(*lines: tuple[str, str], **fields: str) -> dict[str, str]:
    """What a browser sends for an order with these lines and two empty ones."""
    rows = [*lines, ("", ""), ("", "")]
    data = {"lines-TOTAL_FORMS": str(len(rows)), "lines-INITIAL_FORMS": "0", "customer": "", "note": ""}
    for place, (sku, quantity) in enumerate(rows):
        data |= {f"lines-{place}-product": sku, f"lines-{place}-quantity": quantity}
    return data | fields


def order_of(acme, **where) -> Order:
    with unit_of_work(acme):
        return Order.objects.select_related("customer").prefetch_related("lines").get(**where)


def status_of(acme, order: Order) -> str:
    return order_of(acme, pk=order.pk).status


def test_a_draft_is_written_with_customer_note_and_lines(browser, shop, acme):
    lines = ((shop.product.sku.lower(), "3"), (shop.service.sku, "1"))
    answer = browser.post("/orders/new/", form_of(*lines, customer="C-17", note="Ring"), follow=True)
    assert "The draft is saved." in text(answer)
    order = order_of(acme, note="Ring")
    assert order.customer == shop.customer
    assert (order.status, order.source) == ("draft", "portal")
    assert [line.quantity for line in order.lines.all()] == [3, 1]


def test_an_order_is_placed_at_once(browser, shop, acme):
    data = form_of((shop.product.sku, "2"), place="yes", note="Now")
    assert "is placed." in text(browser.post("/orders/new/", data, follow=True))
    assert order_of(acme, note="Now").number


def test_what_cannot_be_had_is_refused_and_nothing_is_kept(browser, shop, acme):
    answer = browser.post("/orders/new/", form_of((shop.low.sku, "50"), place="yes", note="Many"))
    assert answer.status_code == 422
    assert "50 wanted, 2 available" in text(answer)
    with unit_of_work(acme):
        assert not Order.objects.filter(note="Many").exists()


def test_an_order_without_lines_cannot_be_placed(browser, shop):
    answer = browser.post("/orders/new/", form_of(place="yes"))
    assert (answer.status_code, "Add at least one product" in text(answer)) == (422, True)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("NOPE", "1"), "No product has the SKU NOPE. Choose one from the suggestions."),
        (("NO\0PE", "1"), "Remove the invisible characters"),
        (("JUG", ""), "Fill this in."),
        (("JUG", "0"), "Give 1 or more."),
    ],
)
def test_a_wrong_line_is_named_in_the_summary(browser, shop, line, said):
    answer = browser.post("/orders/new/", form_of(line))
    page = text(answer)
    assert answer.status_code == 422
    assert "Please check the lines" in page
    assert said in page
    assert "Line 1, " in page


@pytest.mark.parametrize("named", ["C-17", "ADA@analytical.example", "ada lovelace", "{pk}"])
def test_a_customer_is_known_by_reference_address_name_and_id(browser, shop, acme, named):
    data = form_of(customer=named.format(pk=shop.customer.pk), note=f"by {named}")
    browser.post("/orders/new/", data)
    assert order_of(acme, note=f"by {named}").customer == shop.customer


def test_an_unknown_and_an_ambiguous_customer_are_refused(browser, shop, acme):
    with unit_of_work(acme):
        create_customer(actor=CLERK, name="Ada Lovelace")
    assert "No customer has the reference" in text(browser.post("/orders/new/", form_of(customer="Bob")))
    assert "Several customers are called" in text(
        browser.post("/orders/new/", form_of(customer="Ada Lovelace"))
    )


def test_more_lines_are_had_without_scripts(browser, shop):
    data = form_of((shop.product.sku, "x"), more="yes", note="Keep this")
    answer = browser.post("/orders/new/", data)
    page = text(answer)
    assert answer.status_code == 200
    assert 'name="lines-3-product"' in page
    assert f'value="{shop.product.sku}"' in page
    assert "Keep this" in page


def test_a_tampered_form_is_an_error_and_no_failure(browser, shop):
    answer = browser.post("/orders/new/", {"lines-TOTAL_FORMS": "x", "note": ""})
    assert answer.status_code == 422


def test_an_order_begins_on_the_customers_page(browser, shop):
    page = text(browser.get(f"/orders/new/?customer={shop.customer.pk}"))
    assert 'value="C-17"' in page
    assert browser.get("/orders/new/?customer=nonsense").status_code == 200


def test_the_lines_of_a_draft_are_replaced(browser, shop, acme):
    path = shop.path("/orders/{draft}/edit/")
    assert f'value="{shop.product.sku}"' in text(browser.get(path))
    answer = browser.post(path, form_of((shop.low.sku, "1"), (shop.product.sku, "4")), follow=True)
    assert "The draft is saved." in text(answer)
    lines = order_of(acme, pk=shop.draft.pk).lines.all()
    assert [(line.sku, line.quantity) for line in lines] == [(shop.low.sku, 1), (shop.product.sku, 4)]


def test_the_customer_and_note_of_a_draft_are_changed(browser, shop, acme):
    path = shop.path("/orders/{draft}/details/")
    assert 'value="C-17"' in text(browser.get(path))
    answer = browser.post(path, {"customer": "", "note": "Ring once"}, headers=HTMX)
    assert answer["HX-Redirect"] == shop.path("/orders/{draft}/")
    assert "Changed: customer, note" in text(browser.get(answer["HX-Redirect"]))
    order = order_of(acme, pk=shop.draft.pk)
    assert (order.customer, order.note) == (None, "Ring once")
    assert browser.post(path, {"customer": "Nobody"}).status_code == 422
    assert "customer" not in text(browser.get(shop.path("/orders/{placed}/details/"))).split("<form")[-1]


def test_a_line_of_a_draft_is_removed_by_emptying_it(browser, shop, acme):
    data = form_of(("", "3"), (shop.low.sku, "1")) | {"lines-INITIAL_FORMS": "1"}
    browser.post(shop.path("/orders/{draft}/edit/"), data)
    assert [line.sku for line in order_of(acme, pk=shop.draft.pk).lines.all()] == [shop.low.sku]


def test_more_lines_and_wrong_lines_of_a_draft(browser, shop):
    path = shop.path("/orders/{draft}/edit/")
    assert browser.post(path, form_of((shop.low.sku, "1"), more="yes")).status_code == 200
    assert browser.post(path, form_of(("NOPE", "1"))).status_code == 422
    with_archived = browser.post(path, form_of((shop.archived.sku, "1")))
    assert "Only active products can be ordered" in text(with_archived)


def test_a_placed_order_is_edited_until_something_leaves(browser, shop, acme):
    path = shop.path("/orders/{paid}/")
    assert "Edit order" in text(browser.get(f"{path}edit/"))
    changes = {**form_of((shop.product.sku, "3")), "discount_kind": "percent", "discount_value": "10"}
    answer = browser.post(f"{path}edit/", changes, follow=True)
    assert "The order is changed; £6.65 is due." in text(answer)
    for words in ("−£2.85", "Discount 10 %", "Edited; the total went from £19.00 to £25.65"):
        assert words in text(answer)
    assert status_of(acme, shop.paid) == "placed"
    closed = shop.path("/orders/{closed}/")
    assert browser.get(f"{closed}edit/")["Location"] == closed


def test_money_and_goods_move_in_parts(browser, shop, acme):
    path = shop.path("/orders/{placed}/")
    assert "£9.50 is due" in text(browser.get(f"{path}pay/"))
    wrong = browser.post(f"{path}pay/", {"amount": "10"}, headers=HTMX)
    assert (wrong.status_code, "at most 9.50" in text(wrong)) == (422, True)
    browser.post(f"{path}pay/", {"amount": "4", "method": "card", "pending": "on"})
    with unit_of_work(acme):
        payment, line = Payment.objects.get(status="pending"), shop.placed.lines.get()
    page = text(browser.post(f"{path}payments/{payment.pk}/arrived/", follow=True))
    for words in ("Partly paid", "£4.00 received", "Due"):
        assert words in page
    assert browser.post(f"{path}payments/{payment.pk}/lost/").status_code == 404
    browser.post(f"{path}pay/", {"method": "cash"})
    slip = f"{path}packing-slip/"
    assert line.description in text(browser.get(slip))
    sent = {f"line-{line.pk}": "1", "carrier": "DHL", "tracking_number": "00340"}
    assert "The delivery is noted." in text(browser.post(f"{path}fulfil/", sent, follow=True))
    assert "Everything has left" in text(browser.get(slip))
    returned = browser.post(f"{path}return/", {"restock": "on", "note": "Too big"}, follow=True)
    assert "1 piece came back, back in stock: Too big" in text(returned)
    refunded = browser.post(f"{path}refund/", {"amount": "9.50", "reason": "Returned"}, follow=True)
    assert "£9.50 given back: Returned" in text(refunded)


def test_taxes_are_kept_among_the_settings(browser, shop):
    rule = {"name": "VAT", "rate": "20", "country": "GB", "valid_from": "2020-01-01"}
    assert "The rule is added." in text(browser.post("/settings/taxes/new/", rule, follow=True))
    assert browser.post("/settings/taxes/new/", rule).status_code == 422
    saved = browser.post("/settings/taxes/", {"prices_include_tax": "on", "country": "GB"}, follow=True)
    assert "Saved for orders that are written from now on." in text(saved)
    path = shop.path("/settings/taxes/{tax_rule}/")
    assert "The rule is changed." in text(browser.post(path, {**rule, "country": "US"}, follow=True))
    assert "The rule is removed." in text(browser.post(path, {"remove": "yes"}, follow=True))


def test_an_order_goes_its_way(browser, shop, acme):
    order, path = shop.draft, shop.path("/orders/{draft}/")
    for move, status in (("place", "placed"), ("pay", "paid"), ("fulfil", "fulfilled"), ("close", "closed")):
        answer = browser.post(f"{path}{move}/", follow=True)
        assert status_of(acme, order) == status
        assert "toast--success" in text(answer)
    page = text(browser.get(path))
    for line in ("Placed as number", "Paid in full", "Fulfilled; the goods left", "owner@acme.example"):
        assert line in page


def test_a_move_that_is_not_allowed_is_refused_in_words(browser, shop, acme):
    answer = browser.post(shop.path("/orders/{closed}/place/"), follow=True)
    assert "toast--error" in text(answer)
    assert "cannot make the move" in text(answer)
    assert status_of(acme, shop.closed) == "closed"
    assert browser.post(shop.path("/orders/{closed}/burn/")).status_code == 404
    assert browser.get(shop.path("/orders/{placed}/place/")).status_code == 405


def test_cancelling_asks_why_and_frees_the_stock(browser, shop, acme):
    path = shop.path("/orders/{placed}/cancel/")
    assert "can be sold again at once" in text(browser.get(path, headers=HTMX))
    with unit_of_work(acme):
        before = Product.objects.get(pk=shop.product.pk).reserved
    answer = browser.post(path, {"note": "Ordered twice"}, headers=HTMX)
    assert answer["HX-Redirect"] == shop.path("/orders/{placed}/")
    assert "Cancelled: Ordered twice" in text(browser.get(answer["HX-Redirect"]))
    with unit_of_work(acme):
        assert Product.objects.get(pk=shop.product.pk).reserved == before - 1


def test_what_is_closed_cannot_be_cancelled(browser, shop):
    answer = browser.post(shop.path("/orders/{closed}/cancel/"), {"note": ""})
    assert (answer.status_code, "cannot make the move" in text(answer)) == (422, True)


def test_a_draft_is_discarded_for_good(browser, shop, acme):
    path = shop.path("/orders/{draft}/discard/")
    assert "Discard this draft?" in text(browser.get(path))
    assert "The draft is discarded." in text(browser.post(path, follow=True))
    with unit_of_work(acme):
        assert not Order.objects.filter(pk=shop.draft.pk).exists()
    assert browser.post(shop.path("/orders/{placed}/discard/"))["Location"] == shop.path("/orders/{placed}/")


def test_a_page_offers_only_what_can_be_done(browser, shop):
    offers = {
        "draft": {"Place order", "Edit lines", "Discard"},
        "placed": {"Record payment", "Edit order", "Cancel order"},
        "paid": {"Fulfil order", "Edit order", "Cancel order"},
        "closed": set(),
        "cancelled": set(),
    }
    words = set().union(*offers.values())
    for status, expected in offers.items():
        page = text(browser.get(shop.path(f"/orders/{{{status}}}/")))
        assert {word for word in words if f">{word}<" in page or f"{word}</a>" in page} == expected, status


def test_the_list_is_narrowed_by_the_url(browser, shop):
    def count(query: str) -> int:
        return text(browser.get(f"/orders/?{query}")).count('class="row-link"')

    assert count("") == 5
    assert count("status=open") == 2
    assert count("status=cancelled") == 1
    assert count("kind=cancellation") == 0
    assert count("source=portal") == 0
    assert count("q=lovelace") == 4
    assert count(f"q=%23{shop.paid.number}") == 1
    assert count("q=99999999999999999999") == 0
    assert count(f"customer={shop.customer.pk}") == 4
    assert count("q=a%00b&status=nonsense") == 5


def test_the_list_of_one_customers_orders_says_so(browser, shop):
    page = text(browser.get(f"/orders/?customer={shop.customer.pk}"))
    assert "Orders of <a" in page
    assert "Show all orders" in page


def test_a_shop_without_orders_is_told_how_to_begin(browser):
    assert "No orders yet" in text(browser.get("/orders/"))


def test_text_of_people_is_shown_as_text(browser, shop, acme):
    with unit_of_work(acme):
        product = a_product(name="<script>alert(1)</script>", opening_stock=5)
        order = a_placed_order((product, 1), note="<img src=x onerror=alert(1)>")
        draft = a_draft((product, 1))
    for path in (f"/orders/{order.pk}/", f"/orders/{draft.pk}/edit/", "/products/", "/search/?q=<b>"):
        page = browser.get(path).content
        assert b"<script>alert" not in page, path
        assert b"<img src=x" not in page, path
        assert b"<b>" not in page, path


# Customers


def test_a_customer_is_added_and_edited(browser, acme):
    fields = {"name": "Grace Hopper", "email": "grace@navy.example", "reference": "G-1"}
    assert "Grace Hopper is added." in text(browser.post("/customers/new/", fields, follow=True))
    with unit_of_work(acme):
        customer = Customer.objects.get(reference="G-1")
    path = f"/customers/{customer.pk}/edit/"
    assert 'value="grace@navy.example"' in text(browser.get(path))
    answer = browser.post(path, {"name": "Rear Admiral Hopper", "reference": ""}, follow=True)
    assert "The customer is saved." in text(answer)
    assert "Rear Admiral Hopper" in text(answer)


def test_a_taken_reference_is_an_error_at_its_field(browser, shop):
    answer = browser.post("/customers/new/", {"name": "Bob", "reference": "C-17"})
    assert (answer.status_code, 'id="id_reference_error"' in text(answer)) == (422, True)


def test_customers_are_found_and_counted(browser, shop):
    assert "1 customer<" in text(browser.get("/customers/?q=kingdom+ada"))
    assert "Nothing matches" in text(browser.get("/customers/?q=zeppelin"))
    row = text(browser.get("/customers/", headers=HTMX))
    assert "Ada Lovelace" in row
    assert ">3<span" in row


def test_a_customers_page_lists_the_orders(browser, shop):
    page = text(browser.get(shop.path("/customers/{customer}/")))
    assert page.count('class="row-link"') == 4
    assert "tel:+44 20 7946 0000" in page


def test_a_shop_without_customers_is_told_where_they_come_from(browser):
    assert "Who buys from you?" in text(browser.get("/customers/"))


def test_suggestions_of_customers_carry_what_the_form_understands(browser, shop):
    page = text(browser.get("/customers/options/?q=ada"))
    assert 'data-value="C-17"' in page
    assert "No customer has this" in text(browser.get("/customers/options/?q=zeppelin"))


def test_an_order_is_closed_without_what_never_leaves(browser, shop, acme):
    path = shop.path("/orders/{paid}/")
    assert "Close without the rest" not in text(browser.get(path))
    (line,) = order_of(acme, pk=shop.paid.pk).lines.all()
    browser.post(f"{path}fulfil/", {f"line-{line.pk}": "1"})
    assert "Close without the rest" in text(browser.get(path))
    assert "1 × Enamel jug" in text(browser.get(f"{path}close-short/"))
    page = text(browser.post(f"{path}close-short/", {"note": "Sold out"}, follow=True))
    assert "The order is closed. £9.50 is owed to the customer." in page
    assert "Closed without the rest: Sold out" in page
    assert "Closed without 1 piece; £9.50 to be given back" in page
    assert status_of(acme, shop.paid) == "closed"

"""The home screen and the search over everything."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from tenant_apps.orders.figures import sales_until
from tenant_apps.orders.models import Order
from tenants.context import unit_of_work
from tenants.formats import today
from tests.orders.builders import a_placed_order
from tests.portal.test_products import HTMX, text
from tests.products.builders import a_product


def place_at(at: datetime, price: str, **fields) -> None:
    order = a_placed_order((a_product(price=Decimal(price), opening_stock=1), 1))
    Order.objects.filter(pk=order.pk).update(placed_at=at, **fields)


def test_a_new_workspace_shows_the_first_steps_and_no_figures(browser):
    page = text(browser.get("/"))
    for words in ("0 of 3 done", "Add your products", "Place an order", "Create an API token"):
        assert words in page
    for words in ("No sales in these 30 days", "Nothing waits for you.", "Orders appear here"):
        assert words in page


def test_a_member_is_not_asked_for_what_is_not_theirs(browser_of):
    assert "Create an API token" not in text(browser_of("member").get("/"))


def test_the_steps_go_when_all_are_done(browser, shop):
    page = text(browser.get("/"))
    assert "done</p>" not in page
    for words in ("Fulfil 1 paid order<", "Note the payment of 1 order<", "Receive stock for 1 product<"):
        assert words in page


def test_sales_are_those_of_thirty_days_without_what_was_cancelled_and_less_the_credits(inside):
    now = timezone.now()
    place_at(now, "10.00")
    place_at(now - timedelta(days=29), "20.00")
    place_at(now - timedelta(days=31), "15.00")
    place_at(now, "100.00", status="cancelled")
    place_at(now, "3.00", kind="cancellation")
    place_at(now, "50.00", currency="USD")
    sales = sales_until(today().date(), "GBP")
    assert (sales.total, sales.orders, sales.before) == (Decimal("27.00"), 2, Decimal("15.00"))
    assert (sales.trend, sales.average) == (80, Decimal("13.50"))
    assert sales.chart.points[-1].value == Decimal("7.00")
    assert (len(sales.chart.points), sales.chart.points[-1].is_partial) == (30, True)


def test_without_sales_before_there_is_no_trend(inside):
    place_at(timezone.now(), "10.00")
    assert sales_until(today().date(), "GBP").trend is None


def test_a_shop_whose_sales_lie_in_the_past_is_led_there(browser, acme):
    with unit_of_work(acme):
        place_at(datetime(2011, 8, 31, 12, tzinfo=timezone.get_default_timezone()), "10.00")
    page = text(browser.get("/"))
    assert "The latest order was placed on 31 Aug 2011." in page
    past = text(browser.get("/?until=2011-08-31"))
    assert "Sales, 30 days" in past
    assert "£10.00" in past
    assert "Back to the last 30 days" in past


@pytest.mark.parametrize("until", ["nonsense", "9999-12-31", "0001-01-01", ""])
def test_any_day_in_the_address_is_borne(browser, until):
    assert browser.get(f"/?until={until}").status_code == 200


def test_a_days_sales_are_the_tenants_day(acme, inside):
    assert sales_until(date(2026, 3, 29), "GBP").from_day == date(2026, 2, 28)


def test_the_search_finds_records_and_pages(browser, shop):
    page = text(browser.get("/search/?q=ada"))
    assert "Ada Lovelace" in page
    assert f"Order {shop.placed.number} · Ada Lovelace" in page
    assert "New product" in text(browser.get("/search/?q=new"))
    assert "Domains" in text(browser.get("/search/?q=settings"))
    assert shop.invoice.code in text(browser.get(f"/search/?q={shop.invoice.code[-4:]}"))
    assert "Enamel jug" in text(browser.get("/search/?q=jug", headers=HTMX))
    assert "Nothing has “zeppelin”" in text(browser.get("/search/?q=zeppelin"))


def test_the_search_offers_only_what_may_be_opened(browser_of, shop):
    page = text(browser_of("viewer").get("/search/?q="))
    assert "New order" not in page
    assert "New product" not in page

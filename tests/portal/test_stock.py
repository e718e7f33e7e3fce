"""Pages of stock: the overview, locations, transfers and counts, by keyboard and scanner."""

import pytest

from tenant_apps.products.models import Location, Product, StockDocument, StockLevel
from tenants.context import unit_of_work
from tests.portal.test_products import HTMX, text


def on_hand(acme, product: Product, location: Location) -> int:
    with unit_of_work(acme):
        levels = StockLevel.objects.filter(product=product, location=location)
        return sum(levels.values_list("on_hand", flat=True))


def again(acme, document: StockDocument) -> StockDocument:
    with unit_of_work(acme):
        return StockDocument.objects.prefetch_related("lines").get(pk=document.pk)


def test_an_empty_shop_is_told_what_stock_is(browser):
    assert "No goods yet" in text(browser.get("/stock/"))
    assert "Main location" in text(browser.get("/stock/locations/"))
    assert "No transfers yet" in text(browser.get("/stock/transfers/"))


def test_the_overview_is_narrowed_to_what_is_low_and_to_a_location(browser, shop, acme):
    everything, low = text(browser.get("/stock/")), text(browser.get("/stock/?stock=low"))
    assert ("Enamel jug" in everything, "Oak tray" in everything, shop.archived.name in everything) == (
        True,
        True,
        False,
    )
    assert ("Enamel jug" in low, "Oak tray" in low) == (False, True)
    here = text(browser.get(f"/stock/?location={shop.place.pk}", headers=HTMX))
    assert "Nothing matches" in here
    browser.post(f"/stock/transfers/{shop.sent.pk}/arrive/")
    here = text(browser.get(f"/stock/?location={shop.place.pk}", headers=HTMX))
    assert '<td class="is-number card-end" data-label="Available">4</td>' in here


def test_a_location_is_added_made_the_default_and_not_archived_while_it_is_used(browser, acme, shop):
    answer = browser.post("/stock/locations/new/", {"name": "Barn", "code": "barn"}, follow=True)
    assert "Barn is added." in text(answer)
    refused = browser.post("/stock/locations/new/", {"name": "Barn", "code": "BARN"})
    assert (refused.status_code, "exists already" in text(refused)) == (422, True)
    path = answer.redirect_chain[-1][0]
    browser.post(f"{path}edit/", {"name": "Big barn", "address_lines": "Mill Lane 1"})
    assert "Mill Lane 1" in text(browser.get(path))
    assert "is archived" in text(browser.post(f"{path}archive/", follow=True))
    assert "in use again" in text(browser.post(f"{path}archive/", follow=True))
    assert "is the default location now" in text(browser.post(f"{path}default/", follow=True))
    place = f"/stock/locations/{shop.place.pk}/"
    assert "is still open" in text(browser.post(f"{place}archive/", follow=True))


def test_goods_are_scanned_onto_a_transfer_sent_and_received_in_parts(browser, acme, shop):
    with unit_of_work(acme):
        main = Location.objects.default()
    ends = {"location": main.pk, "destination": shop.place.pk}
    same = browser.post("/stock/transfers/new/", ends | {"destination": main.pk})
    assert "Choose another location" in text(same)
    path = browser.post("/stock/transfers/new/", ends)["Location"]
    sku = shop.product.sku.lower()
    for _ in range(2):
        answer = browser.post(f"{path}lines/", {"product": sku}, headers=HTMX)
    assert f"{shop.product.sku} Enamel jug: 2 noted." in text(answer)
    assert "autofocus" in text(answer)
    assert "No goods have the SKU NONE" in text(browser.post(f"{path}lines/", {"product": "none"}))
    browser.post(f"{path}lines/", {"product": sku, "quantity": "6"})
    before = on_hand(acme, shop.product, main)
    browser.post(f"{path}send/")
    assert on_hand(acme, shop.product, main) == before - 6
    field = f"line-{shop.product.pk}"
    assert browser.post(f"{path}receive/", {field: "7"}).status_code == 422
    browser.post(f"{path}receive/", {field: "1"})
    assert "On its way" in text(browser.get(path))
    browser.post(f"{path}receive/", {field: "4", "complete": "on", "note": "One broken"})
    page = text(browser.get(path))
    assert ("Received" in page, "One broken" in page, "−1" in page) == (True, True, True)
    assert on_hand(acme, shop.product, shop.place) == 5


def test_a_count_is_entered_line_by_line_and_applied(browser, acme, shop):
    path = f"/stock/counts/{shop.count.pk}/"
    assert "Books" in text(browser.get(path))
    row = text(browser.post(f"{path}lines/", {"product": shop.low.sku, "quantity": "0"}, headers=HTMX))
    assert "−2" in row
    assert "The books say what was counted." in text(browser.post(f"{path}apply/", follow=True))
    with unit_of_work(acme):
        assert Product.objects.get(pk=shop.low.pk).on_hand == 0
    assert "is applied" in text(browser.post(f"{path}cancel/", follow=True))
    made = browser.post("/stock/counts/new/", {"location": shop.place.pk, "category": ""})
    assert again(acme, StockDocument(pk=made["Location"].split("/")[-2])).status == "open"


def test_receiving_asks_for_the_location_where_there_are_several(browser, acme, shop):
    form = text(browser.get(f"/products/{shop.product.pk}/receive/"))
    assert "Main location" in form
    browser.post(f"/products/{shop.product.pk}/receive/", {"quantity": "3", "location": shop.place.pk})
    assert on_hand(acme, shop.product, shop.place) == 3
    assert "Where it lies" in text(browser.get(f"/products/{shop.product.pk}/"))
    assert "Shop" in text(browser.get(f"/products/{shop.product.pk}/stock/"))


@pytest.mark.parametrize("path", ["/stock/transfers/{transfer}/fly/", "/stock/counts/{count}/fly/"])
def test_there_are_no_other_moves(browser, shop, path):
    assert browser.post(shop.path(path)).status_code == 404


def test_who_may_only_look_sees_no_buttons(browser_of, shop):
    page = text(browser_of("viewer").get(f"/stock/transfers/{shop.transfer.pk}/"))
    assert ("Send" in page, "data-scan" in page) == (False, False)

"""Pages of customers: addresses, notes, tags, merging and erasing."""

from tenant_apps.orders.customers.models import Customer
from tenant_apps.orders.customers.services import create_customer
from tenants.context import unit_of_work
from tests.products.builders import CLERK


def test_addresses_and_notes_are_kept_on_the_customers_page(browser, shop):
    page = browser.get(shop.path("/customers/{customer}/")).content.decode()
    for word in ("1 High St, Oxford, United Kingdom", "Rang about the jug", "Lifetime value"):
        assert word in page, word
    address = {"kind": "shipping", "line1": "Via Po 1", "city": "Torino", "country": "IT"}
    added = browser.post(shop.path("/customers/{customer}/addresses/new/"), address, follow=True)
    assert "Via Po 1, Torino, Italy" in added.content.decode()
    refused = browser.post(shop.path("/customers/{customer}/addresses/new/"), address | {"city": ""})
    assert refused.status_code == 422
    edited = browser.post(
        shop.path("/customers/addresses/{address}/"), address | {"city": "Bath", "country": "GB"}, follow=True
    )
    assert "Bath" in edited.content.decode()
    gone = browser.post(shop.path("/customers/addresses/{address}/remove/"), follow=True).content.decode()
    assert "Bath" not in gone
    noted = browser.post(shop.path("/customers/{customer}/notes/new/"), {"text": "Wrote"}, follow=True)
    assert "Wrote" in noted.content.decode()
    page = browser.post(shop.path("/customers/notes/{note}/remove/"), follow=True).content.decode()
    assert "Rang about the jug" not in page


def test_tags_are_typed_and_lead_to_the_list(browser, acme, shop):
    fields = {"name": "Ada", "tags": "VIP, trade", "language": "de"}
    page = browser.post(shop.path("/customers/{customer}/edit/"), fields, follow=True).content.decode()
    assert "?tag=vip" in page
    assert browser.get("/customers/?tag=vip").content.decode().count("row-link") == 1
    assert browser.get("/customers/?tag=none").content.decode().count("row-link") == 0
    assert 'value="vip, trade"' in browser.get(shop.path("/customers/{customer}/edit/")).content.decode()


def test_a_duplicate_is_merged_and_its_page_leads_to_the_survivor(browser, acme, shop):
    with unit_of_work(acme):
        twin = create_customer(actor=CLERK, name="A. Lovelace", reference="C-99")
    path = shop.path("/customers/{customer}/merge/")
    assert browser.post(path, {"duplicate": "C-17"}).status_code == 422
    assert browser.post(path, {"duplicate": "C-99"}).status_code == 302
    moved = browser.get(f"/customers/{twin.pk}/")
    assert (moved.status_code, moved["Location"]) == (301, shop.path("/customers/{customer}/"))
    assert str(twin.pk) not in browser.get("/customers/").content.decode()


def test_an_erased_customer_is_gone_from_list_and_search(browser, acme, shop):
    path = shop.path("/customers/{customer}/erase/")
    assert "1 invoices" in browser.get(path).content.decode()
    assert browser.post(path, {"name": "Ada"}).status_code == 422
    page = browser.post(path, {"name": "Ada Lovelace"}, follow=True).content.decode()
    assert "Erased customer" in page
    for place in ("/customers/", "/customers/?q=ada", "/search/?q=lovelace", "/search/?q=erased"):
        found = browser.get(place).content.decode()
        assert "Lovelace" not in found.replace("“lovelace”", ""), place
        assert shop.path("/customers/{customer}/") not in found, place
    with unit_of_work(acme):
        assert Customer.objects.get(pk=shop.customer.pk).email == ""

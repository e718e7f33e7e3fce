"""Pages of products, categories and stock."""

from decimal import Decimal

import pytest

from tenant_apps.products.models import Product, StockMovement
from tenant_apps.products.services import create_category
from tenants.context import unit_of_work
from tests.products.builders import CLERK, a_product

NEW = {
    "name": "Enamel mug",
    "sku": "mug-1",
    "kind": "goods",
    "price": "7.95",
    "status": "active",
    "tax_class": "standard",
    "opening_stock": "12",
    "low_stock_at": "3",
}
HTMX = {"hx-request": "true"}


def text(answer) -> str:
    return " ".join(answer.content.decode().split())


def product_of(acme, **where) -> Product:
    with unit_of_work(acme):
        return Product.objects.get(**where)


def test_an_empty_shop_is_told_how_to_begin(browser):
    page = text(browser.get("/products/"))
    assert "What do you sell?" in page
    assert "Import a file" in page


def test_a_product_is_added_with_its_opening_stock(browser, acme):
    answer = browser.post("/products/new/", NEW, follow=True)
    assert "Enamel mug is added." in text(answer)
    product = product_of(acme, sku="MUG-1")
    assert (product.on_hand, product.low_stock_at, product.currency) == (12, 3, "GBP")
    with unit_of_work(acme):
        assert StockMovement.objects.get(product=product).actor_label == "owner@acme.example"


def test_a_taken_sku_is_an_error_at_its_field(browser, shop):
    answer = browser.post("/products/new/", NEW | {"sku": shop.product.sku.lower()})
    assert answer.status_code == 422
    assert 'id="id_sku_error"' in text(answer)
    assert "exists already" in text(answer)
    assert 'aria-invalid="true"' in text(answer)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("price", "-1", "Give 0 or more."),
        ("price", "1.005", "Give at most 2 decimals."),
        ("name", "", "Fill this in."),
        ("sku", "x" * 65, "Use at most 64 characters; these are 65."),
        ("opening_stock", "-5", "Give 0 or more."),
        ("name", "a\0b", "Remove the invisible characters from the text."),
    ],
)
def test_errors_say_what_to_do_and_nothing_is_kept(browser, acme, field, value, said):
    answer = browser.post("/products/new/", NEW | {field: value})
    assert answer.status_code == 422
    assert said in text(answer)
    with unit_of_work(acme):
        assert not Product.objects.exists()


def test_a_service_takes_no_figures_of_stock(browser, acme):
    answer = browser.post("/products/new/", NEW | {"kind": "service"})
    assert text(answer).count("A service has no stock. Leave this empty, or choose goods.") == 4
    plain = NEW | {"kind": "service", "opening_stock": "", "low_stock_at": ""}
    assert "carries no stock" in text(browser.post("/products/new/", plain, follow=True))


def test_a_product_is_edited(browser, shop, acme):
    path = shop.path("/products/{product}/edit/")
    assert 'value="Enamel jug"' in text(browser.get(path))
    fields = {"name": "Jug", "sku": "JUG", "price": "10.00", "status": "draft", "tax_class": "reduced"}
    fields |= {"compare_at_price": "12.00", "cost_price": "4.00", "tags": "Blue,, enamel ,blue"}
    fields["metadata"] = 'erp: 4711\n"a:b": c: d'
    page = text(browser.post(path, fields, follow=True))
    assert "The product is saved." in page
    assert '<span class="hidden-visually">instead of </span>£12.00' in page
    product = product_of(acme, pk=shop.product.pk)
    assert (product.name, product.sku, product.status, product.category) == ("Jug", "JUG", "draft", None)
    assert (str(product.cost_price), product.tax_class) == ("4.00", "reduced")
    assert product.tags == ["blue", "enamel"]
    assert product.metadata == {"erp": "4711", "a:b": "c: d"}
    again = text(browser.get(path))
    assert "blue, enamel" in again
    assert "&quot;a:b&quot;: c: d erp: 4711" in again


def test_an_archived_product_may_be_edited_and_put_back_on_sale(browser, shop, acme):
    page = browser.get(shop.path("/products/{archived}/edit/"))
    assert '<option value="archived" selected>' in text(page)
    browser.post(shop.path("/products/{archived}/restore/"))
    assert product_of(acme, pk=shop.archived.pk).status == "active"


def test_archiving_asks_first(browser, shop, acme):
    path = shop.path("/products/{product}/archive/")
    assert "Archive “Enamel jug”?" in text(browser.get(path))
    assert product_of(acme, pk=shop.product.pk).status == "active"
    assert "is archived" in text(browser.post(path, follow=True))
    assert product_of(acme, pk=shop.product.pk).status == "archived"


def test_a_question_is_a_page_without_scripts_and_a_part_with_them(browser, shop):
    path = shop.path("/products/{product}/receive/")
    assert "<html" in text(browser.get(path))
    part = browser.get(path, headers=HTMX)
    assert "<html" not in text(part)
    assert "HX-Request" in part["Vary"]


def test_stock_is_received_and_stands_in_the_ledger(browser, shop, acme):
    path = shop.path("/products/{low}/receive/")
    answer = browser.post(path, {"quantity": "40", "note": "Delivery 12"}, headers=HTMX)
    assert answer["HX-Redirect"] == shop.path("/products/{low}/")
    page = text(browser.get(answer["HX-Redirect"]))
    assert "40 received." in page
    assert "Delivery 12" in page
    assert product_of(acme, pk=shop.low.pk).on_hand == 42


def test_a_wrong_quantity_comes_back_into_the_dialog(browser, shop):
    answer = browser.post(shop.path("/products/{low}/receive/"), {"quantity": "0"}, headers=HTMX)
    assert answer.status_code == 422
    assert "<html" not in text(answer)
    assert "Give 1 or more." in text(answer)


def test_a_count_corrects_the_books_and_needs_a_reason(browser, shop, acme):
    path = shop.path("/products/{low}/adjust/")
    assert "Fill this in." in text(browser.post(path, {"counted": "1"}))
    answer = browser.post(path, {"counted": "1", "note": "Broken"}, follow=True)
    assert "The books now say 1." in text(answer)
    assert product_of(acme, pk=shop.low.pk).on_hand == 1


def test_a_count_below_what_is_reserved_is_refused_with_the_figures(browser, shop, acme):
    answer = browser.post(shop.path("/products/{product}/adjust/"), {"counted": "0", "note": "Lost"})
    assert answer.status_code == 422
    assert "reserved" in text(answer)
    assert product_of(acme, pk=shop.product.pk).on_hand == 99


def test_the_ledger_has_pages(browser, shop):
    page = text(browser.get(shop.path("/products/{product}/stock/")))
    assert "Fulfilment" in page
    assert "movements" in page


def test_the_list_is_narrowed_by_the_url(browser, shop, acme):
    def names(query: str) -> set[str]:
        page = text(browser.get(f"/products/?{query}"))
        return {name for name in ("Enamel jug", "Oak tray", "Old tray", "Delivery") if f">{name}<" in page}

    assert names("") == {"Enamel jug", "Oak tray", "Delivery"}
    assert names("status=archived") == {"Old tray"}
    assert names("stock=low") == {"Oak tray"}
    assert names("stock=out") == set()
    assert names("q=TRAY") == {"Oak tray"}
    assert names(f"q=tray+oak&category={shop.category.pk}") == set()
    assert names(f"category={shop.category.pk}") == {"Enamel jug"}
    with unit_of_work(acme):
        mugs = create_category(actor=CLERK, name="Mugs", parent=shop.category)
        a_product(name="Old tray", category=mugs, tags=["blue"])
    assert names(f"category={shop.category.pk}") == {"Enamel jug", "Old tray"}
    assert names("tag=Blue") == {"Old tray"}
    assert names("category=nonsense&status=nonsense&sort=nonsense&after=nonsense") == names("")


def test_a_search_shows_the_best_first_page_by_page_or_in_the_order_asked_for(browser, acme):
    with unit_of_work(acme):
        for number in range(51):
            a_product(name=f"Lamp {number:02}", description="Goes with a teapot")
        a_product(name="Teapot", price=Decimal(99))
        a_product(name="Teapot teapot", price=Decimal(9))
    page = text(browser.get("/products/?q=teapots"))
    assert 0 < page.index(">Teapot") < page.index(">Lamp")
    after = page.partition("after=")[2].partition('"')[0]
    assert text(browser.get(f"/products/?q=teapots&after={after}")).count(">Lamp") == 3
    dear = text(browser.get("/products/?q=teapots&sort=-price"))
    assert dear.index(">Teapot<") < dear.index(">Lamp") < dear.index("Pages")
    assert browser.get("/products/?sort=relevance").status_code == 200


def test_nothing_found_offers_a_way_back(browser, shop):
    page = text(browser.get("/products/?q=zeppelin"))
    assert "Nothing matches" in page
    assert 'href="/products/">Clear the filters' in page


def test_htmx_gets_the_results_alone(browser, shop):
    part = text(browser.get("/products/?q=tray", headers=HTMX))
    assert "<table" in part
    assert "<html" not in part


def test_suggestions_are_few_and_active(browser, shop, acme):
    with unit_of_work(acme):
        for number in range(12):
            a_product(name=f"Tray {number}")
    page = text(browser.get("/products/options/?q=tray"))
    assert page.count('role="option"') == 8
    assert "Old tray" not in page
    assert "No active product" in text(browser.get("/products/options/?q=zeppelin\0"))

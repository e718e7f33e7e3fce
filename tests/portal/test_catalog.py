"""Pictures and variants of a product, and one change for many."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tenant_apps.products.models import Image, Product
from tenants.context import unit_of_work
from tests.portal.test_products import HTMX, text
from tests.products.builders import a_product
from tests.products.pictures import a_picture


def upload(browser, shop, content: bytes, alt: str = ""):
    file = SimpleUploadedFile("x.jpg", content)
    return browser.post(shop.path("/products/{low}/images/"), {"file": file, "alt": alt}, follow=True)


def images_of(acme, product: Product) -> list[Image]:
    with unit_of_work(acme):
        return list(product.images.all())


def test_pictures_are_added_described_put_first_and_removed(browser, shop, acme):
    assert "The picture is added." in text(upload(browser, shop, a_picture().read(), "A blue jug"))
    upload(browser, shop, a_picture().read())
    first, second = images_of(acme, shop.low)
    path = shop.path("/products/{low}/images/")
    given = {"alt": "From above", "position": "0"}
    assert "The picture is saved." in text(browser.post(f"{path}{second.pk}/", given, follow=True))
    assert [image.alt for image in images_of(acme, shop.low)] == ["From above", "A blue jug"]
    assert "must be a number" in text(browser.post(f"{path}{second.pk}/", {"position": "9"}, follow=True))
    assert "at most 250" in text(browser.post(f"{path}{second.pk}/", {"alt": "x" * 251}, follow=True))
    page = text(browser.get(shop.path("/products/{low}/")))
    source = page.partition('<img src="')[2].partition('"')[0]
    assert 'alt="From above"' in page
    assert browser.get(source)["Content-Type"] == "image/webp"
    assert "/files/" in text(browser.get("/products/?stock=low")).partition('<img class="thumb"')[2][:40]
    assert "Remove this picture?" in text(browser.get(f"{path}{second.pk}/remove/"))
    assert "The picture is removed." in text(browser.post(f"{path}{second.pk}/remove/", follow=True))
    assert images_of(acme, shop.low) == [first]


def test_what_is_no_picture_is_refused_at_the_field(browser, shop, acme):
    answer = upload(browser, shop, b"<svg onload=alert(1)>")
    assert (answer.status_code, "This is no picture that can be read." in text(answer)) == (422, True)
    assert images_of(acme, shop.low) == []
    assert "Choose a picture first." in text(browser.post(shop.path("/products/{low}/images/")))


def test_a_picture_is_that_of_its_product_only(browser, shop, acme):
    upload(browser, shop, a_picture().read())
    (image,) = images_of(acme, shop.low)
    for end in ("", "remove/"):
        assert browser.post(shop.path(f"/products/{{service}}/images/{image.pk}/{end}")).status_code == 404


@pytest.fixture
def parent(browser, acme) -> Product:
    """A shirt in two sizes and two colours, one of its variants made."""
    with unit_of_work(acme):
        shirt = a_product(name="Shirt", sku="SHIRT", description="Linen")
    path = f"/products/{shirt.pk}/"
    options = {"name_1": "Size", "values_1": "S\nM, wide\n", "name_2": "Colour", "values_2": "Red\nBlue"}
    assert "The options are saved." in text(browser.post(f"{path}options/", options, follow=True))
    given = {"value_0": "M, wide", "value_1": "Blue", "sku": "SHIRT-MB", "price": ""}
    assert "is added" in text(browser.post(f"{path}variants/new/", given, follow=True))
    with unit_of_work(acme):
        return Product.objects.get(pk=shirt.pk)


def test_missing_variants_are_made_and_changed_in_their_table(browser, acme, parent):
    path = f"/products/{parent.pk}/"
    assert "Make the 3 missing" in text(browser.get(path))
    page = text(browser.post(f"{path}variants/generate/", follow=True))
    assert "missing" not in page
    with unit_of_work(acme):
        variants = list(Product.objects.variants_of(parent))
    rows = {
        f"{variant.pk}-{name}": str(getattr(variant, name))
        for variant in variants
        for name in ("sku", "price", "status")
    }
    rows |= {f"{variants[0].pk}-price": "11.00", f"{variants[1].pk}-sku": "shirt-x"}
    assert "2 variants are saved." in text(browser.post(f"{path}variants/", rows, follow=True))
    with unit_of_work(acme):
        assert str(Product.objects.get(pk=variants[0].pk).price) == "11.00"
        assert Product.objects.get(pk=variants[1].pk).sku == "SHIRT-X"
    taken = rows | {f"{variants[2].pk}-sku": "shirt-x", f"{variants[0].pk}-price": "12.00"}
    refused = browser.post(f"{path}variants/", taken)
    assert (refused.status_code, "exists already" in text(refused)) == (422, True)
    assert 'value="12.00"' in text(refused)
    wrong = text(browser.post(f"{path}variants/", rows | {f"{variants[0].pk}-price": "-1"}))
    assert "Give 0 or more." in wrong
    with unit_of_work(acme):
        assert str(Product.objects.get(pk=variants[0].pk).price) == "11.00"


def test_a_variant_leads_to_its_parent_and_keeps_what_it_has_of_it(browser, acme, parent):
    with unit_of_work(acme):
        variant = Product.objects.variants_of(parent).get()
    page = text(browser.get(f"/products/{variant.pk}/"))
    assert f'Variant of <a href="/products/{parent.pk}/">Shirt</a>' in page
    assert "<dt>Size</dt> <dd>M, wide</dd>" in page
    form = {"name": "", "sku": variant.sku, "price": "8.00", "status": "active", "tax_class": "standard"}
    assert "The product is saved." in text(browser.post(f"/products/{variant.pk}/edit/", form, follow=True))
    with unit_of_work(acme):
        variant.refresh_from_db()
    assert (variant.inherits, variant.description) == (["category", "description", "name"], "Linen")


def test_options_need_a_name_with_values_that_variants_do_not_lose(browser, acme, parent):
    path = f"/products/{parent.pk}/options/"
    assert "M, wide" in text(browser.get(path))
    assert "leave both empty" in text(browser.post(path, {"name_1": "Size"}))
    refused = browser.post(path, {"name_1": "Size", "values_1": "S"})
    assert (refused.status_code, "SHIRT-MB" in text(refused)) == (422, True)


def test_a_list_shows_variants_only_where_they_are_looked_for(browser, acme, parent):
    assert "SHIRT-MB" not in text(browser.get("/products/"))
    assert "SHIRT-MB" in text(browser.get("/products/?q=shirt-mb"))


def test_many_products_are_changed_and_changed_back(browser, shop, acme):
    chosen = {"products": [str(shop.product.pk), str(shop.low.pk)], "back": "q=jug"}
    asked = text(browser.post("/products/edit/", chosen | {"status": "archived"}))
    assert "Edit 2 products" in asked
    assert 'value="archived" selected' in asked
    dialog = browser.post("/products/edit/", chosen, headers=HTMX)
    assert "<html" not in text(dialog)
    change = {"apply": "yes", "price": "price_percent", "amount": "-10", "add_tags": "sale, old"}
    answer = browser.post("/products/edit/", chosen | change, follow=True)
    assert answer.redirect_chain == [("/products/?q=jug", 302)]
    page = text(answer)
    assert "2 products are changed." in page
    with unit_of_work(acme):
        jug = Product.objects.get(pk=shop.product.pk)
    assert (str(jug.price), jug.tags) == ("8.55", ["sale", "old"])
    (undo,) = re.findall(r'action="/products/edit/([\w-]+/undo/)"', page)
    assert "is taken back" in text(browser.post(f"/products/edit/{undo}", follow=True))
    assert "taken back already" in text(browser.post(f"/products/edit/{undo}", follow=True))
    with unit_of_work(acme):
        assert str(Product.objects.get(pk=shop.product.pk).price) == "9.50"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Say what to change"),
        ({"price": "price_by"}, "Say by how much."),
        ({"amount": "3"}, "Choose whether the amount is a percentage."),
        ({"price": "price_by", "amount": "-100"}, "would fall below 0"),
        ({"products": ["nonsense"], "status": "draft"}, "Choose the products in the list again."),
    ],
)
def test_a_change_that_says_nothing_or_too_much_is_refused(browser, shop, acme, given, said):
    sent = {"products": [str(shop.product.pk)], "apply": "yes"} | given
    answer = browser.post("/products/edit/", sent)
    assert (answer.status_code, said in text(answer)) == (422, True)


def test_nothing_chosen_leads_back_to_the_list(browser, shop):
    assert "Choose at least one product first." in text(browser.post("/products/edit/", follow=True))
    assert "Choose at least one product first." in text(browser.get("/products/edit/", follow=True))


def test_who_only_reads_has_no_boxes_and_no_forms(browser_of, shop, parent):
    viewer = browser_of("viewer")
    assert "data-tick" not in text(viewer.get("/products/"))
    page = text(viewer.get(f"/products/{parent.pk}/"))
    assert "SHIRT-MB" in page
    assert "Save variants" not in page
    assert viewer.post("/products/edit/", {"products": [str(parent.pk)]}).status_code == 403

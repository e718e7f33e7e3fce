"""The tree of categories: made, renamed, moved, deleted."""

from tenant_apps.products.models import Category
from tenants.context import unit_of_work
from tests.portal.test_products import text

LIST = "/products/categories/"


def category_of(acme, name: str) -> Category:
    with unit_of_work(acme):
        return Category.objects.get(name=name)


def test_categories_are_made_below_each_other_renamed_moved_and_deleted(browser, shop, acme):
    assert "is added" in text(browser.post(f"{LIST}new/", {"name": "Garden"}, follow=True))
    assert "category named" in text(browser.post(f"{LIST}new/", {"name": "GARDEN"}))
    garden, path = category_of(acme, "Garden"), shop.path(f"{LIST}{{category}}/")
    below = f"{LIST}{garden.pk}/new/"
    assert f'value="{garden.pk}" selected>Garden<' in text(browser.get(below))
    browser.post(below, {"name": "Pots", "parent": garden.pk})
    form = text(browser.get(path))
    assert 'value="Kitchen"' in form
    assert ">Garden / Pots<" in form
    pots = category_of(acme, "Pots")
    assert "is saved" in text(browser.post(path, {"name": "Table", "parent": pots.pk}, follow=True))
    assert category_of(acme, "Table").ancestors == [garden.pk, pots.pk]
    # What stands below a category is not offered as its parent, and refused.
    assert "Pots" not in text(browser.get(f"{LIST}{garden.pk}/"))
    refused = browser.post(f"{LIST}{garden.pk}/", {"name": "Garden", "parent": pots.pk})
    assert (refused.status_code, "Choose a parent outside of it." in text(refused)) == (422, True)


def test_a_category_in_use_stays(browser, shop, acme):
    path = shop.path(f"{LIST}{{category}}/delete/")
    assert "Delete “Kitchen”?" in text(browser.get(path))
    assert "Move them elsewhere first." in text(browser.post(path, follow=True))
    browser.post(f"{LIST}new/", {"name": "Garden"})
    garden = category_of(acme, "Garden")
    page = text(browser.post(f"{LIST}{garden.pk}/delete/", follow=True))
    assert "is deleted" in page
    assert "Kitchen" in page


def test_no_category_yet_says_what_they_are_for(browser):
    assert "No categories yet" in text(browser.get(LIST))

"""The tree of categories: moves, depth, circles, and two movers at once."""

import threading
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction

from tenant_apps.products.categories import CategoryInUse, CategoryTaken
from tenant_apps.products.models import Category, Product
from tenant_apps.products.services import create_category, delete_category, update_category
from tenants.context import Tenant, unit_of_work
from tenants.errors import Invalid
from tests.products.builders import CLERK, a_product


def a_branch(*names: str) -> list[Category]:
    """Categories, each below the one before."""
    made: list[Category] = []
    for name in names:
        made.append(create_category(actor=CLERK, name=name, parent=made[-1] if made else None))
    return made


@pytest.mark.usefixtures("inside")
def test_a_branch_moves_with_all_that_stands_below_it() -> None:
    home, kitchen, mugs, _ = a_branch("Home", "Kitchen", "Mugs", "Enamel")
    outdoor = create_category(actor=CLERK, name="Outdoor")
    product = a_product(category=mugs)
    update_category(actor=CLERK, category=kitchen, parent=outdoor)
    enamel = Category.objects.get(name="Enamel")
    assert enamel.ancestors == [outdoor.pk, kitchen.pk, mugs.pk]
    assert list(Product.objects.in_category(outdoor.pk)) == [product]
    assert not Product.objects.in_category(home.pk).exists()
    update_category(actor=CLERK, category=kitchen, parent=None)
    assert Category.objects.get(name="Enamel").ancestors == [kitchen.pk, mugs.pk]


@pytest.mark.usefixtures("inside")
def test_circles_and_depths_are_refused() -> None:
    first, second, *_, last = a_branch("1", "2", "3", "4", "5")
    for below in (first, second, last):
        with pytest.raises(Invalid, match="below"):
            update_category(actor=CLERK, category=first, parent=below)
    with pytest.raises(Invalid, match="at most 5 deep; this would make 6"):
        create_category(actor=CLERK, name="6", parent=last)
    with pytest.raises(Invalid, match="at most 5 deep"):
        update_category(actor=CLERK, category=first, parent=create_category(actor=CLERK, name="0"))


@pytest.mark.usefixtures("inside")
def test_names_are_unique_among_siblings() -> None:
    men, women = (create_category(actor=CLERK, name=name) for name in ("Men", "Women"))
    create_category(actor=CLERK, name="Shirts", parent=men)
    shirts = create_category(actor=CLERK, name="Shirts", parent=women)
    assert shirts.slug == "shirts-2"
    with pytest.raises(CategoryTaken):
        update_category(actor=CLERK, category=shirts, parent=men)


@pytest.mark.usefixtures("inside")
def test_what_is_used_stays() -> None:
    home, kitchen = a_branch("Home", "Kitchen")
    a_product(category=kitchen)
    for category, text in ((home, "1 categories stand below"), (kitchen, "1 products")):
        with pytest.raises(CategoryInUse, match=text):
            delete_category(actor=CLERK, category=category)


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("change", ["circle", "lost", "deep"])
def test_the_database_holds_the_tree_by_itself(change: str) -> None:
    home, kitchen = a_branch("Home", "Kitchen")
    wrong: dict[str, dict[str, Any]] = {
        "circle": {"ancestors": [kitchen.pk, home.pk], "parent": home},
        "lost": {"ancestors": []},
        "deep": {"ancestors": [home.pk] * 5},
    }
    rows = Category.objects.filter(pk=kitchen.pk)
    if change == "circle":
        wrong[change] = {"ancestors": [home.pk, kitchen.pk], "parent": kitchen}
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(**wrong[change])


def test_two_moves_at_once_make_no_circle(acme: Tenant) -> None:
    with unit_of_work(acme):
        one, two = (create_category(actor=CLERK, name=name) for name in ("One", "Two"))
    barrier, refused = threading.Barrier(2), []

    def move(category: Category, parent: Category) -> None:
        try:
            with unit_of_work(acme):
                barrier.wait(60)
                update_category(actor=CLERK, category=category, parent=parent)
        except Invalid as error:
            refused.append(error)
        finally:
            connections.close_all()

    movers = [threading.Thread(target=move, args=pair) for pair in ((one, two), (two, one))]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join(60)
    with unit_of_work(acme):
        assert sorted(len(category.ancestors) for category in Category.objects.all()) == [0, 1]
    assert len(refused) == 1

"""Every write to the tree of categories. Its writers take turns, so that no two moves make a circle together."""

from __future__ import annotations

from itertools import chain, count
from typing import Any, TypedDict, Unpack

from django.db import connection, transaction
from django.utils import timezone
from django.utils.text import slugify

from tenant_apps.products.models import DEEPEST, Category
from tenant_apps.products.writing import clean_line, locked, refused_as
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Conflict, Invalid


class CategoryTaken(Conflict):
    code = "category_taken"
    title = "A category with this name exists"


class CategoryInUse(Conflict):
    code = "category_in_use"
    title = "The category is in use"


class CategoryChanges(TypedDict, total=False):
    """What of a category may change; a parent of None makes it one of the roots."""

    name: str
    parent: Category | None


@transaction.atomic
def create_category(*, actor: Actor, name: str, parent: Category | None = None) -> Category:
    """Create a category; its slug is made from the name and stays when the name changes."""
    name = clean_line(name, field="name", most=120)
    hold_tree()
    category = Category(name=name, slug=_free_slug(name))
    _stand_below(category, parent, height=0)
    with refused_as(_taken(name)):
        category.save(force_insert=True)
    data = {"name": name, "parent": str(parent.pk) if parent else None}
    record(actor=actor, verb="category.created", target=category, data=data)
    return category


@transaction.atomic
def update_category(*, actor: Actor, category: Category, **changes: Unpack[CategoryChanges]) -> Category:
    """Give a category another name, or move it below another parent with all that stands below it."""
    hold_tree()
    category = locked(category)
    differences: dict[str, list[Any]] = {}
    if "name" in changes:
        differences |= _rename(category, changes["name"])
    if "parent" in changes:
        differences |= _move(category, changes["parent"])
    if differences:
        record(actor=actor, verb="category.updated", target=category, data={"changes": differences})
    return category


@transaction.atomic
def delete_category(*, actor: Actor, category: Category) -> None:
    """Delete a category that no product uses and no category stands below."""
    hold_tree()
    # The full row lock makes a product that is just being put into this category wait, or be counted.
    category = locked(category, deleting=True)
    used, below = category.products.count(), category.children.count()
    if used or below:
        raise CategoryInUse(
            f"The category {category.name!r} has {used} products, and {below} categories stand below it. "
            "Move them elsewhere first.",
            products=used,
            children=below,
        )
    record(actor=actor, verb="category.deleted", target=category, data={"name": category.name})
    category.delete()


def hold_tree() -> None:
    """Keep other writers of categories away until the transaction ends; products and readers go on."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE products_category IN SHARE ROW EXCLUSIVE MODE")


def _rename(category: Category, name: str) -> dict[str, list[str]]:
    before, category.name = category.name, clean_line(name, field="name", most=120)
    if category.name == before:
        return {}
    with refused_as(_taken(category.name)):
        category.save(update_fields=["name", "updated_at"])
    return {"name": [before, category.name]}


def _move(category: Category, parent: Category | None) -> dict[str, list[str | None]]:
    before = category.parent_id
    if before == (parent.pk if parent else None):
        return {}
    below = list(Category.objects.filter(ancestors__contains=[category.pk]))
    own = len(category.ancestors)
    _stand_below(category, parent, height=max((len(each.ancestors) - own for each in below), default=0))
    category.updated_at = timezone.now()
    for each in below:
        each.ancestors = [*category.ancestors, *each.ancestors[own:]]
        each.updated_at = category.updated_at
    with refused_as(_taken(category.name)):
        Category.objects.bulk_update([category, *below], ["parent", "ancestors", "updated_at"])
    return {"parent": [str(before) if before else None, str(parent.pk) if parent else None]}


def _stand_below(category: Category, parent: Category | None, *, height: int) -> None:
    """Put a category, and `height` levels below it, under a parent as it is now."""
    parent = locked(parent) if parent else None
    if parent and category.pk in (parent.pk, *parent.ancestors):
        raise Invalid(
            f"{parent.name!r} stands below {category.name!r} itself. Choose a parent outside of it.",
            field="parent",
        )
    ancestors = [*parent.ancestors, parent.pk] if parent else []
    if len(ancestors) + height >= DEEPEST:
        raise Invalid(
            f"Categories stand at most {DEEPEST} deep; this would make {len(ancestors) + height + 1}. "
            "Choose a parent nearer to the root.",
            field="parent",
        )
    category.parent, category.ancestors = parent, ancestors


def _taken(name: str) -> CategoryTaken:
    return CategoryTaken(
        f"A category named {name!r} exists already there; upper and lower case count as the same. Choose another.",
        field="name",
    )


def _free_slug(name: str) -> str:
    base = slugify(name, allow_unicode=True)[:120] or "category"
    taken = set(Category.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    candidates = chain([base], (f"{base}-{number}" for number in count(2)))
    return next(slug for slug in candidates if slug not in taken)

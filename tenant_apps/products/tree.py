"""The tree of categories as people read it: from the root to the leaves, siblings by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from tenant_apps.products.models import Category


@dataclass(slots=True)
class Shelf:
    """A category with the names that lead to it, and the shelves right below it."""

    category: Category
    path: str
    below: list[Shelf] = field(default_factory=list)


def shelves_of(categories: Iterable[Category]) -> list[Shelf]:
    """All categories in the order of their tree; each stands right before what is below it."""
    known = {category.pk: category for category in categories}
    shelves = {
        key: Shelf(category, " / ".join(each.name for each in _way(category, known)))
        for key, category in known.items()
    }
    ordered = sorted(
        shelves.values(),
        key=lambda shelf: [(each.name.casefold(), each.pk) for each in _way(shelf.category, known)],
    )
    for shelf in ordered:
        if shelf.category.parent_id in shelves:
            shelves[shelf.category.parent_id].below.append(shelf)
    return ordered


def tree_of(categories: Iterable[Category]) -> list[Shelf]:
    """The roots; what stands below them hangs on them."""
    return [shelf for shelf in shelves_of(categories) if shelf.category.parent_id is None]


def _way(category: Category, known: dict[UUID, Category]) -> list[Category]:
    return [known[key] for key in category.ancestors if key in known] + [category]

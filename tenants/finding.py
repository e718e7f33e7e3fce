"""The search over everything: each app says what of its own can be found, and which commands it has.

A finder stands for one kind of record, with the verb that shows it. The palette of the portal and the API ask the same
finders; a door that names no finder has none.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.urls import reverse

from tenants.navigation import commands, entries, settings_pages
from tenants.users.permissions import can

MOST_HITS: Final = 6


@dataclass(frozen=True)
class Hit:
    """One record or page that was found."""

    label: str
    hint: str
    url: str
    icon: str
    key: UUID | None = None


@dataclass(frozen=True)
class Finder:
    """One kind of record: who may find it, how, and what a hit says; `page`, `listing`, `resource` are routes."""

    kind: str
    title: str
    verb: str
    order: int
    icon: str
    page: str
    listing: str
    resource: str
    find: Callable[[str], Iterable[Any]]
    label: Callable[[Any], str]
    hint: Callable[[Any], str]

    def hits(self, words: str) -> list[Hit]:
        """The best few, for the portal."""
        return [self._hit(record) for record in self.find(words)]

    def _hit(self, record: Any) -> Hit:
        url = reverse(self.page, args=[record.pk])
        return Hit(self.label(record), self.hint(record), url, self.icon, record.pk)


_finders: dict[str, Finder] = {}


def register_finder(finder: Finder) -> None:
    """Let records of a kind be found; called when an app's module is imported."""
    _finders[finder.kind] = finder


def kinds() -> list[str]:
    """The kinds of records that can be found."""
    return sorted(_finders)


def found_records(principal: Any, words: str) -> Iterator[tuple[Finder, list[Hit]]]:
    """What was found, kind by kind, of what the principal may see."""
    for finder in sorted(_finders.values(), key=lambda one: one.order):
        if can(principal, finder.verb) and (hits := finder.hits(words)):
            yield finder, hits


def found_pages(principal: Any, words: str) -> list[Hit]:
    """Pages, settings and commands whose names have the words; all of them where there are none."""
    pages = [Hit(entry.label, "", entry.url, entry.icon) for entry in entries(principal)]
    pages += [Hit(each.label, "", each.url, "plus") for each in commands(principal)]
    shown = settings_pages(principal)
    pages += [Hit(page.label, "Settings", reverse(page.route), "settings") for page in shown]
    return [page for page in pages if words.casefold() in f"{page.hint} {page.label}".casefold()]

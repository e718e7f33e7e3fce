"""The rail of the portal. Each app's portal puts its own entry here when its module is imported."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse

from tenants.standing import Purpose, refusal_of
from tenants.users.permissions import can

MOST_ENTRIES: Final = 7


@dataclass(frozen=True)
class Entry:
    """One group of the portal: where it leads, which verb shows it, and which letter goes there after `g`."""

    label: str
    icon: str
    route: str
    verb: str
    key: str
    order: int
    prefix: str

    @property
    def url(self) -> str:
        return reverse(self.route)

    def is_current(self, path: str) -> bool:
        """Whether a page belongs to this group."""
        return path == self.prefix or (self.prefix != "/" and path.startswith(self.prefix))


_entries: dict[str, Entry] = {}


def register(entry: Entry) -> None:
    """Add a group to the rail; more than seven would be a menu that nobody reads."""
    _entries[entry.route] = entry
    if len(_entries) > MOST_ENTRIES:
        raise ValueError(f"The rail holds {MOST_ENTRIES} groups; put {entry.label!r} into one of them.")


def entries(principal: Any) -> list[Entry]:
    """The groups that a person may open, in the rail's order."""
    shown = (entry for entry in _entries.values() if can(principal, entry.verb))
    return sorted(shown, key=lambda entry: entry.order)


@dataclass(frozen=True)
class Section:
    """One page of the settings, and which verb shows it."""

    label: str
    route: str
    verb: str
    order: int


_sections: dict[str, Section] = {}


def register_settings(section: Section) -> None:
    """Add a page to the settings."""
    _sections[section.route] = section


def is_settings(path: str) -> bool:
    """Whether a page belongs to the settings; some of them have an address of their own."""
    return path.startswith(("/settings/", *(reverse(route) for route in _sections)))


def settings_pages(principal: Any) -> list[Section]:
    """The pages of the settings that a person may open, in their order."""
    shown = (section for section in _sections.values() if can(principal, section.verb))
    return sorted(shown, key=lambda section: section.order)


def settings_tabs(request: HttpRequest) -> list[dict[str, Any]]:
    """The pages of the settings that a request's person may open, each with whether it is the current one."""
    tabs = ((section.label, reverse(section.route)) for section in settings_pages(request.user))
    return [{"label": label, "url": url, "is_current": request.path.startswith(url)} for label, url in tabs]


@dataclass(frozen=True)
class Command:
    """Something that a person begins from anywhere, by the palette: where that is done, and which verb it needs."""

    label: str
    route: str
    verb: str
    order: int

    @property
    def url(self) -> str:
        return reverse(self.route)


_commands: dict[str, Command] = {}


def register_command(command: Command) -> None:
    """Add a command to the palette."""
    _commands[command.route] = command


def commands(principal: Any) -> list[Command]:
    """What a person may begin."""
    shown = (command for command in _commands.values() if can(principal, command.verb))
    return sorted(shown, key=lambda command: command.order)


def rail(request: HttpRequest) -> list[tuple[Entry, bool]]:
    """The groups for a request's person, each with whether the page belongs to it; none that is closed at present."""
    if refusal_of(getattr(request, "tenant", None), Purpose.READ):
        return []
    return [(entry, entry.is_current(request.path)) for entry in entries(request.user)]

"""What a page offers to be sent: its forms with their fields, and links that carry something in their query."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

LINKS = ("href", "hx-get", "hx-post", "data-combobox")


@dataclass
class Form:
    """One form, or a link taken for one."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    options: dict[str, set[str]] = field(default_factory=dict)

    def values_of(self, name: str) -> set[str]:
        """What the field holds and what it could hold."""
        return {self.fields[name], *self.options.get(name, set())}


class Page(HTMLParser):
    """Reads a page once; `forms` holds what it found."""

    def __init__(self, path: str, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._path, self._form, self._select = path, None, ""  # type: str, Form | None, str
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._begin(given)
        elif tag in {"input", "textarea"} and given.get("name"):
            self._add(given["name"], given.get("value", ""))
        elif tag == "select":
            self._select = given.get("name", "")
            self._add(self._select, "")
        elif tag == "option":
            self._add_option(given)
        for name in LINKS:
            self._add_link(given.get(name, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None

    def _begin(self, given: dict[str, str]) -> None:
        action = given.get("action") or given.get("hx-post") or given.get("hx-get") or self._path
        posts = given.get("method", "get").lower() == "post" or "hx-post" in given
        self._form = Form(action, "POST" if posts else "GET")
        self.forms.append(self._form)

    def _add(self, name: str, value: str) -> None:
        # A blank line that scripts copy is not sent.
        if self._form is not None and name and "__prefix__" not in name:
            self._form.fields.setdefault(name, value)

    def _add_option(self, given: dict[str, str]) -> None:
        if self._form is None or not self._select:
            return
        self._form.options.setdefault(self._select, set()).add(given.get("value", ""))
        if "selected" in given:
            self._form.fields[self._select] = given.get("value", "")

    def _add_link(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.query and not parts.netloc:
            self.forms.append(Form(parts.path or self._path, "GET", dict(parse_qsl(parts.query))))

"""docs/api.md is right: each of its examples is answered as it says, in the order in which they stand."""

import re
import shlex
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.test import Client

from config import env

PAGE = env.ROOT / "docs/api.md"
EXAMPLE = re.compile(r"^(curl .*?) +# (\d{3})(?: (\w+))?$", re.MULTILINE)


def examples() -> Iterator[tuple[str, int, str]]:
    """Each command with the status that it leads to, and the name that later ones call the new record by."""
    for command, status, name in EXAMPLE.findall(PAGE.read_text()):
        yield command, int(status), name


def with_values(command: str, values: dict[str, str]) -> list[str]:
    """The words of a command as a shell would have them."""
    return shlex.split(re.sub(r"\$(\w+)", lambda found: values[found[1]], command))[1:]


def send(words: list[str], hosts: dict[str, str]):
    """What curl would send, sent without a network."""
    url, *rest = words
    parts = urlsplit(url)
    headers, method, body = {"host": hosts[str(parts.hostname)]}, "", None
    for option, value in zip(rest[::2], rest[1::2], strict=True):
        if option == "-H":
            name, _, text = value.partition(": ")
            headers[name] = text
        elif option == "--json":
            body = value
        else:
            assert option in {"-X", "-o"}, f"this test does not know {option}"
            method = value if option == "-X" else method
    client = Client(headers=headers)
    target = f"{parts.path}?{parts.query}"
    content_type = "application/json" if body is not None else "text/plain"
    return client.generic(method or ("GET" if body is None else "POST"), target, body or "", content_type)


def test_every_example_is_answered_as_the_page_says(owner_api, acme):
    values = {
        "API": "https://acme.rowhouse.example/api/v1",
        "AUTH": f"Authorization: {owner_api.client.defaults['HTTP_AUTHORIZATION']}",
    }
    hosts = {"acme.rowhouse.example": acme.host, "rowhouse.example": "localhost"}
    sent = list(examples())
    assert len(sent) == PAGE.read_text().count("\ncurl ")
    for command, status, name in sent:
        answer = send(with_values(command, values), hosts)
        assert answer.status_code == status, f"{command}: {answer.status_code} {answer.getvalue()!r}"
        if name:
            values[name] = answer.json()["id"]

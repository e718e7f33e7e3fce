"""What the documents point at is there."""

import re
from pathlib import Path

import pytest

from config import env

DOCUMENTS = sorted([*env.ROOT.glob("*.md"), *env.ROOT.glob("docs/**/*.md"), *env.ROOT.glob("bench/*.md")])
EXAMPLES = {"infra/.env", "tests/notes/"}
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
PLACE = re.compile(
    r"`((?:bin|config|tenants|shared_apps|billing|tenant_apps|infra|tests|bench|docs)/[\w./-]*)`"
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_paths_lead_somewhere(document: Path) -> None:
    text = document.read_text()
    links = {name for name in LINK.findall(text) if not (document.parent / name).exists()}
    places = {name for name in PLACE.findall(text) if not (env.ROOT / name).exists()}
    assert links | places <= EXAMPLES

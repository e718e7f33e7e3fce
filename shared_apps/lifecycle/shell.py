"""The verbs that `manage.py tenant` has from this app."""

from typing import Final

from shared_apps.clients.shell import Verb

VERBS: Final[dict[str, Verb]] = {}

"""Entity tags (RFC 9110, 8.8.3): one text for each state of a record, and one for each answer about it."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

# Raise it when an answer looks different though its row did not change.
VERSION: Final = "1"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
ANY: Final = "*"


def etag_of(instance: Any, *, variant: str = "") -> str:
    """The strong entity tag of a record; `variant` tells apart several answers about one state of it."""
    changed = getattr(instance, "updated_at", None)
    return state_tag(instance.pk, (changed - EPOCH) // MICROSECOND if changed else 0, variant=variant)


def state_tag(key: UUID, moment: int, *, variant: str = "") -> str:
    """The tag of a record that was last changed so many microseconds after 1970."""
    return f'"{VERSION}-{key.hex}-{moment:x}{variant and f".{variant}"}"'


def listed(header: str) -> list[str]:
    """The tags in the value of If-Match or If-None-Match; `*` stands for itself. No tag of ours has a comma."""
    return [tag for tag in (part.strip() for part in header.split(",")) if tag]


def is_same_state(tag: str, instance: Any) -> bool:
    """Whether a tag was given out for the record as it is now, in whatever variant; a weak tag never is."""
    return tag == ANY or tag.partition(".")[0].rstrip('"') == etag_of(instance)[:-1]


def answer_tag(instance: Any, body: bytes) -> str:
    """The tag of an answer that shows one record: its state, and a digest of what is shown of it."""
    return etag_of(instance, variant=digest(body)[:16])


def list_tag(data: bytes, links: bytes) -> str:
    """The tag of a page: digests of its rows and of the addresses of its neighbours."""
    return f'"{digest(data)}.{digest(links)[:8]}"'


def digest(body: bytes) -> str:
    """MD5, which PostgreSQL has as well: it tells answers apart and keeps nothing secret."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def is_known(tag: str, header: str | None) -> bool:
    """Whether If-None-Match names the tag, which is compared weakly (RFC 9110, 13.1.2)."""
    return header is not None and any(each in (ANY, tag) for each in map(_strong, listed(header)))


def _strong(tag: str) -> str:
    return tag.removeprefix("W/")

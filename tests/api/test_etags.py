"""Entity tags: the same for the same state, another for any other."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

from tenants.api.etags import etag_of, is_same_state, listed

KEY = UUID("0190b3c4-8d2e-7c41-9a53-2f1e6b7d8c90")
MOMENT = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)


def row(moment=MOMENT, key=KEY):
    return SimpleNamespace(pk=key, updated_at=moment)


def test_a_tag_is_strong_and_changes_with_the_microsecond_and_the_record():
    tag = etag_of(row())
    assert tag.startswith('"')
    assert tag.endswith('"')
    later, other = row(MOMENT + timedelta(microseconds=1)), row(key=UUID(int=1))
    assert len({tag, etag_of(later), etag_of(other), etag_of(SimpleNamespace(pk=KEY))}) == 4
    assert etag_of(row()) == tag


def test_every_variant_of_a_state_is_that_state_and_nothing_else_is():
    tag, variant = etag_of(row()), etag_of(row(), variant="ab12")
    assert tag != variant
    assert all(is_same_state(each, row()) for each in (tag, variant, "*"))
    later = row(MOMENT + timedelta(seconds=1))
    assert not any(is_same_state(each, later) for each in (tag, variant, "W/" + tag, tag.strip('"'), '""'))
    assert not is_same_state("W/" + tag, row())


def test_headers_list_tags():
    assert listed(' "a" ,"b",, * ') == ['"a"', '"b"', "*"]

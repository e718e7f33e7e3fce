"""An archive that is not what an export wrote is refused with a reason, and nothing is changed by it."""

import hashlib
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from shared_apps.clients.models import Client
from shared_apps.fleet.models import Schema
from shared_apps.lifecycle.archive import Archive, BrokenArchive, ForeignArchive, seal
from shared_apps.lifecycle.manifest import FileEntry, Manifest, TableEntry
from shared_apps.lifecycle.models import Operation
from shared_apps.lifecycle.services import replace_client, restore_client
from tenants.context import Tenant
from tests.lifecycle.conftest import (
    OPERATING,
    archive_of,
    failed,
    files_of,
    leftovers,
    repack,
    restored,
    stock,
    sums,
)

Entries = dict[str, bytes]
LINES = "tables/orders_orderline.copy"


@pytest.fixture(scope="module")
def kept() -> dict[str, bytes]:
    """The bytes of an archive of acme, stocked; made once, by the first test that asks."""
    return {}


@pytest.fixture
def archive(kept: dict[str, bytes], acme: Tenant, folders: Path) -> Path:
    path = folders / "archives" / "acme.zip"
    if not kept:
        stock(acme)
        made = archive_of(Client.objects.get(pk=acme.id))
        kept["acme"] = made.read_bytes()
        made.unlink()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(kept["acme"])
    return path


def refused(archive: Path) -> str:
    """What is said when a broken archive is restored into a new tenant and into its own; nothing may change."""
    acme = Client.objects.get(subdomain="acme")
    orders: list[Callable[[], Operation]] = [
        lambda: restore_client(archive=archive, subdomain="restored", actor=OPERATING, send=False),
        lambda: replace_client(
            archive=archive, client_id=acme.pk, typed_name="acme", actor=OPERATING, send=False
        ),
    ]
    before, count = state(acme), Operation.objects.count()
    said = {_said(order) for order in orders}
    assert len(said) == 1, said
    # What is refused at a first look begins nothing that could have changed anything.
    if Operation.objects.count() > count:
        assert state(acme) == before
        assert not Client.objects.filter(subdomain="restored").exists()
        assert leftovers(Path(settings.MEDIA_ROOT).parent) == []
    return said.pop()


def state(client: Client) -> tuple[Any, ...]:
    """All that a restore could change."""
    client.refresh_from_db()
    return sums(client), files_of(client), client.status, owned()


def _said(order: Callable[[], Operation]) -> str:
    try:
        return failed(order())
    except BrokenArchive as error:
        return error.detail


def owned() -> set[str]:
    return set(Schema.objects.filter(state="owned").values_list("name", flat=True))


def resealed(archive: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """An archive whose manifest says something else, with a seal that fits: made by somebody who has the key."""

    def rewrite(entries: Entries) -> None:
        manifest = json.loads(entries["manifest.json"])
        change(manifest)
        _account(manifest)
        entries["manifest.json"] = json.dumps(manifest).encode()
        entries["manifest.hmac"] = seal(entries["manifest.json"]).encode()

    return repack(archive, rewrite)


def rewritten(archive: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """An archive with another table, of which the manifest and the seal know."""

    def rewrite(entries: Entries) -> None:
        entries[name] = change(entries[name])
        manifest = json.loads(entries["manifest.json"])
        entry = next(table for table in manifest["tables"] if f"tables/{table['name']}.copy" == name)
        entry |= {
            "rows": entries[name].count(b"\n"),
            "size": len(entries[name]),
            "sha256": hashlib.sha256(entries[name]).hexdigest(),
        }
        _account(manifest)
        entries["manifest.json"] = json.dumps(manifest).encode()
        entries["manifest.hmac"] = seal(entries["manifest.json"]).encode()

    return repack(archive, rewrite)


def _account(manifest: dict[str, Any]) -> None:
    """Make the total checksum fit."""
    tables = tuple(TableEntry(**table) for table in manifest["tables"])
    files = tuple(FileEntry(**file) for file in manifest["files"])
    whole = Manifest("", "", None, "", (), tables, files)  # type: ignore[arg-type]  # only its checksum is asked for
    manifest["checksum"] = whole.checksum


# Damage


def test_a_file_that_is_no_archive(archive: Path, tmp_path: Path) -> None:
    other = tmp_path / "holiday.zip"
    other.write_bytes(b"not a zip at all")
    assert "is no archive" in refused(other)
    with zipfile.ZipFile(other, "w") as out:
        out.writestr("photo.jpg", b"")
    assert "is no archive of a tenant" in refused(other)
    assert "cannot be read" in refused(tmp_path / "absent.zip")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file(archive: Path, share: float) -> None:
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * share)])
    assert "or its end is missing" in refused(archive)


@pytest.mark.parametrize("name", [LINES, "files/"])
def test_a_flipped_bit(archive: Path, name: str) -> None:
    with zipfile.ZipFile(archive) as whole:
        info = next(one for one in whole.infolist() if one.filename.startswith(name) and one.file_size)
    body = bytearray(archive.read_bytes())
    head = struct.unpack("<HH", body[info.header_offset + 26 : info.header_offset + 30])
    body[info.header_offset + 30 + sum(head) + info.file_size // 2] ^= 1
    archive.write_bytes(body)
    assert "is damaged" in refused(archive)


def test_a_flipped_bit_in_the_manifest(archive: Path) -> None:
    body = archive.read_bytes()
    at = body.rindex(b'"currency": "GBP"')
    archive.write_bytes(body[:at] + b'"currency": "GBQ"' + body[at + 17 :])
    assert "manifest.json is damaged" in refused(archive)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda entries: entries.pop(LINES), "is missing, though the manifest lists it"),
        (lambda entries: entries.pop("manifest.json"), "manifest.json is missing"),
        (lambda entries: entries.pop("manifest.hmac"), "manifest.hmac is missing"),
        (lambda entries: entries.update({"tables/clients_client.copy": b""}), "is not in the manifest"),
        (lambda entries: entries.update({"../../escaped": b"x"}), "is not in the manifest"),
        (lambda entries: entries.update({LINES: entries[LINES] + b"\\N\n"}), "bytes, the manifest says"),
        (lambda entries: entries.update({LINES: entries[LINES].swapcase()}), "its checksum differs"),
    ],
)
def test_contents_that_differ_from_the_manifest(archive: Path, change: Any, said: str) -> None:
    assert said in refused(repack(archive, change))


def test_an_archive_that_was_packed_anew_with_compression_is_refused_before_it_unfolds(archive: Path) -> None:
    def bomb(entries: Entries) -> None:
        entries[LINES] = b"0" * 50_000_000

    packed = repack(archive, bomb, compression=zipfile.ZIP_DEFLATED)
    assert packed.stat().st_size < 1_000_000
    assert "is compressed, which no export does" in refused(packed)


def test_entries_that_overlap_are_refused(archive: Path) -> None:
    body = archive.read_bytes()
    at = body.rindex(b"PK\x01\x02", 0, body.rindex(LINES.encode()))
    forged = body[: at + 20] + struct.pack("<II", 2**31, 2**31) + body[at + 28 :]
    archive.write_bytes(forged)
    assert "The entries overlap" in refused(archive)


# Forgery by somebody who has the key, or an archive from elsewhere that is accepted


@pytest.mark.parametrize(
    "path",
    [
        "../escaped",
        "/etc/escaped",
        "a/../../escaped",
        "..",
        "a//b",
        "a\\b",
        "a\0b",
        "line\nbreak",
        "x" * 2000,
        "a/" + "b" * 256,
    ],
)
def test_paths_that_lead_out_are_refused(archive: Path, path: str) -> None:
    def point(manifest: dict[str, Any]) -> None:
        manifest["files"][0]["path"] = path

    said = refused(resealed(archive, point))
    assert "would not stay in the tenant's folder" in said or "is no text" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.update(format=2), "restore it with the version that made it"),
        (lambda m: m.update(product={"name": "other"}), "no manifest of rowhouse"),
        (lambda m: m["tables"].pop(), "is not in the manifest"),
        (lambda m: m["tables"][0].update(rows=-1), "is no number from 0 up"),
        (lambda m: m["tables"][0].update(rows=10**30), "is no number from 0 up"),
        (lambda m: m["tables"][0].update(rows=m["tables"][0]["rows"] + 1), "the manifest says"),
        (lambda m: m["tables"][0].update(name='x"; DROP SCHEMA public'), "which cannot be"),
        (lambda m: m["tables"][0].update(columns=["id"]), "other columns than it had"),
        (lambda m: m["tables"].reverse(), "not in the order"),
        (lambda m: m["generation"].update(migrations=[["orders"]]), "no pair of app and name"),
        (lambda m: m["tenant"].update(currency="euros"), "which cannot be"),
        (lambda m: m["tenant"].update(plan_version=40_000), "is no number from 0 up to 32767"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(archive: Path, change: Any, said: str) -> None:
    assert said in refused(resealed(archive, change))


def test_a_manifest_that_is_nested_without_end(archive: Path) -> None:
    deep = b"[" * 100_000
    changed = repack(
        archive, lambda entries: entries.update({"manifest.json": deep, "manifest.hmac": seal(deep).encode()})
    )
    assert "cannot be used" in refused(changed)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda body: body.replace(b"\t1\t", b"\tmany\t", 1), "cannot be taken"),
        (lambda body: body + body.splitlines(keepends=True)[0], "duplicate key"),
        (lambda body: body + b"\\.\n", "rows, the manifest says"),
        (lambda body: b"", "refer to others that are missing"),
    ],
)
def test_rows_that_the_tables_do_not_take(archive: Path, change: Any, said: str) -> None:
    name = "tables/products_product.copy" if said.startswith("refer") else LINES
    assert said in refused(rewritten(archive, name, change))


# Seals


def test_an_archive_of_another_installation_is_restored_only_when_it_is_trusted(
    shop: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = archive_of(shop)
    monkeypatch.setattr(settings, "SECRET_KEY", "another-installation-" + "x" * 40)
    with pytest.raises(ForeignArchive, match="--accept-foreign"):
        restore_client(archive=archive, subdomain="restored", actor=OPERATING, send=False)
    Client.objects.filter(pk=shop.pk).update(plan="business")
    made = restored(archive, accept_foreign=True)
    assert sums(made) == sums(shop)
    assert (made.plan, made.plan_version) == ("free", 1)


def test_a_key_that_was_changed_still_opens_its_archives(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = settings.SECRET_KEY
    monkeypatch.setattr(settings, "SECRET_KEY", "the-next-key-" + "x" * 40)
    monkeypatch.setattr(settings, "SECRET_KEY_FALLBACKS", [old])
    with Archive(archive) as opened:
        assert opened.is_ours

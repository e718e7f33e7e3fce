"""Files: a folder for each tenant, looked up at each use, and no way out of it."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tenants.context import NoTenant, Tenant, public_context, tenant_context
from tenants.storage import tenant_storage


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "MEDIA_ROOT", tmp_path / "media")
    return tmp_path / "media"


def save(tenant: Tenant, name: str, content: bytes) -> str:
    with tenant_context(tenant):
        return tenant_storage().save(name, ContentFile(content))


def test_a_file_lies_in_its_tenant_s_folder(acme: Tenant, root: Path) -> None:
    name = save(acme, "imports/lines.csv", b"ours")
    assert name == "imports/lines.csv"
    assert (root / acme.schema / name).read_bytes() == b"ours"


def test_the_same_storage_follows_the_tenant(acme: Tenant, globex: Tenant) -> None:
    storage = tenant_storage()
    for tenant in (acme, globex):
        with tenant_context(tenant):
            assert storage.save("one.txt", ContentFile(tenant.name.encode())) == "one.txt"
    for tenant in (globex, acme, globex):
        with tenant_context(tenant), storage.open("one.txt") as file:
            assert file.read() == tenant.name.encode()


@pytest.mark.parametrize("use", ["open", "exists", "size", "delete", "path", "get_modified_time"])
@pytest.mark.parametrize(
    "way", ["../{theirs}/one.txt", "{root}/{theirs}/one.txt", "a/../../{theirs}/one.txt"]
)
def test_no_name_leads_to_another_tenant_s_file(
    use: str, way: str, acme: Tenant, globex: Tenant, root: Path
) -> None:
    save(globex, "one.txt", b"theirs")
    name = way.format(theirs=globex.schema, root=root)
    with tenant_context(acme), pytest.raises(SuspiciousFileOperation):
        getattr(tenant_storage(), use)(name)
    assert (root / globex.schema / "one.txt").read_bytes() == b"theirs"


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/passwd", "a/../../evil.txt", "..", "."])
def test_no_name_saves_outside_the_folder(name: str, acme: Tenant, root: Path) -> None:
    with pytest.raises(SuspiciousFileOperation):
        save(acme, name, b"evil")
    assert not list(root.parent.glob("evil*"))


@pytest.mark.parametrize("use", ["open", "exists", "path", "listdir"])
def test_no_use_outside_a_tenant(use: str) -> None:
    with pytest.raises(NoTenant):
        getattr(tenant_storage(), use)("one.txt")
    with public_context(), pytest.raises(NoTenant):
        getattr(tenant_storage(), use)("one.txt")


def test_django_s_default_storage_is_the_tenant_s_too(acme: Tenant) -> None:
    name = save(acme, "one.txt", b"ours")
    with tenant_context(acme):
        assert default_storage.exists(name)
    with pytest.raises(NoTenant):
        default_storage.exists(name)


def test_two_files_of_one_name_do_not_overwrite_each_other(acme: Tenant) -> None:
    names = {save(acme, "one.txt", content) for content in (b"first", b"second")}
    assert len(names) == 2

"""Pictures: what is taken, what is refused, what is kept of them, and when their files go."""

from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image as Pillow

from tenant_apps.products import images, pictures
from tenant_apps.products.models import Image
from tenant_apps.products.pictures import PictureRefused, PictureTooLarge, read_picture
from tenants.context import Tenant, unit_of_work
from tests.api.calls import Api, problem, signed_in
from tests.products.builders import CLERK, a_product
from tests.products.pictures import a_bomb, a_picture

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "MEDIA_ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def owner_api(acme: Tenant, owner: Any) -> Api:
    return signed_in(owner, acme)


def upload(api: Api, product: Any, file: BytesIO, name: str = "mug.jpg", **more: str) -> Any:
    given = {"file": SimpleUploadedFile(name, file.getvalue(), "image/jpeg"), **more}
    return api.client.post(f"/api/v1/products/{product.pk}/images/", given)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_every_usual_kind_becomes_webp_in_several_sizes(kind: str) -> None:
    picture = read_picture(a_picture(kind, (2000, 1000)))
    assert (picture.width, picture.height) == (2000, 1000)
    sizes = {side: Pillow.open(BytesIO(data)) for side, data in picture.smaller.items()}
    assert {side: (image.format, image.size) for side, image in sizes.items()} == {
        80: ("WEBP", (80, 40)),
        320: ("WEBP", (320, 160)),
        1280: ("WEBP", (1280, 640)),
    }


def test_what_the_camera_wrote_goes_and_the_picture_stands_upright() -> None:
    exif = Pillow.Exif()
    exif[0x0112], exif[0x010F] = 6, "A camera"
    kept = Pillow.open(BytesIO(read_picture(a_picture(exif=exif.tobytes())).full))
    assert kept.size == (20, 40)
    assert not kept.getexif()
    assert b"A camera" not in read_picture(a_picture(exif=exif.tobytes())).full


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (SVG, PictureRefused),
        (b"<html><script>alert(1)</script></html>", PictureRefused),
        (b"%PDF-1.7 and more", PictureRefused),
        (b"", PictureRefused),
        (a_picture().getvalue()[:200], PictureRefused),
        (a_picture("BMP").getvalue(), PictureRefused),
        (a_picture("TIFF").getvalue(), PictureRefused),
        (a_bomb().getvalue(), PictureTooLarge),
        (a_bomb(8_000).getvalue(), PictureTooLarge),
        (b"\xff\xd8" + b"\0" * pictures.MOST_BYTES, PictureTooLarge),
    ],
    ids="svg html pdf empty cut bmp tiff bomb pixels bytes".split(),
)
def test_what_is_no_picture_or_too_much_of_one_is_refused(content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_picture(BytesIO(content))


def test_a_picture_is_uploaded_and_its_files_are_served_as_what_they_are(
    acme: Tenant, owner_api: Api, root: Path
) -> None:
    with unit_of_work(acme):
        product = a_product()
    answer = upload(owner_api, product, a_picture("PNG"), name="../../mug.html", alt="A mug")
    assert answer.status_code == 201, answer.content
    image = answer.json()
    assert (image["position"], image["alt"], image["width"], image["height"]) == (0, "A mug", 40, 20)
    file = owner_api.client.get(urlsplit(image["thumbnails"]["320"]).path)
    assert (file.status_code, file.headers["Content-Type"]) == (200, "image/webp")
    assert file.headers["Content-Disposition"] == 'inline; filename="a-mug.webp"'
    assert {path.parts[-4] for path in root.rglob("*.webp")} == {acme.schema}


def test_a_refused_upload_leaves_nothing_behind(acme: Tenant, owner_api: Api, root: Path) -> None:
    with unit_of_work(acme):
        product = a_product()
    body = problem(upload(owner_api, product, BytesIO(SVG), "mug.png"), 422, "picture_refused")
    assert body["errors"][0]["pointer"] == "/file"
    problem(upload(owner_api, product, a_bomb(), "mug.png"), 413, "picture_too_large")
    assert not list(root.rglob("*.webp"))


def test_pictures_change_places_and_leave_with_their_files(
    acme: Tenant, owner_api: Api, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "MOST_IMAGES", 3)
    with unit_of_work(acme):
        product = a_product()
    ids = [upload(owner_api, product, a_picture()).json()["id"] for _ in range(3)]
    problem(upload(owner_api, product, a_picture()), 409, "too_many_images")
    path = f"products/{product.pk}/images/"
    assert owner_api.patch(f"{path}{ids[2]}/", {"position": 0, "alt": "First"}).json()["position"] == 0
    problem(owner_api.patch(f"{path}{ids[2]}/", {"position": 3}), 422, "invalid")
    assert [image["id"] for image in owner_api.get(path).json()["data"]] == [ids[2], *ids[:2]]
    assert owner_api.delete(f"{path}{ids[0]}/").status_code == 204
    left = owner_api.get(path).json()["data"]
    assert [(image["id"], image["position"]) for image in left] == [(ids[2], 0), (ids[1], 1)]
    assert len(list(root.rglob("*.webp"))) == 8


def test_files_that_cannot_be_written_leave_no_row(
    acme: Tenant, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        saved: list[str] = []

        def save(self, name: str, content: Any) -> str:
            if len(self.saved) == 2:
                raise OSError("No space left on device")
            self.saved.append(name)
            return name

        def delete(self, name: str) -> None:
            self.saved.remove(name)

    monkeypatch.setattr(images, "tenant_storage", Full)
    with unit_of_work(acme):
        product = a_product()
        with pytest.raises(OSError, match="No space"):
            images.add_image(actor=CLERK, product=product, file=a_picture())
        assert not Image.objects.filter(product=product).exists()
    assert Full.saved == []

"""Uploaded pictures: taken for what their bytes say, never for what their name says, and written anew."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Final

from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from tenant_apps.products.models import Image
from tenants.errors import DomainError, Invalid

MOST_BYTES: Final = 10 * 1024 * 1024
MOST_PIXELS: Final = 40_000_000
LONGEST_SIDE: Final = 2560
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
QUALITY: Final = 85


class PictureRefused(Invalid):
    code = "picture_refused"
    title = "The file cannot be taken as a picture"


class PictureTooLarge(DomainError):
    code = "picture_too_large"
    title = "The picture is too large"
    status = 413


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is kept: WebP, upright, without what the camera wrote into it, in several sizes."""

    width: int
    height: int
    full: bytes
    smaller: dict[int, bytes]

    @property
    def size(self) -> int:
        return len(self.full)

    @property
    def size_of_all(self) -> int:
        """Bytes of all its files."""
        return self.size + sum(map(len, self.smaller.values()))


def read_picture(file: IO[bytes]) -> Picture:
    """Decode an upload within limits and encode it anew; raises PictureRefused or PictureTooLarge."""
    data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise PictureTooLarge(
            f"The file has more than the {MOST_BYTES // 1024 // 1024} MB that a picture may have. "
            "Save it smaller and upload it again.",
            field="file",
        )
    try:
        # Pillow warns before it refuses: both are refusals here.
        with warnings.catch_warnings():
            warnings.simplefilter("error", Pillow.DecompressionBombWarning)
            return _made_from(_decoded(data))
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise PictureRefused(
            f"This is no picture that can be read. Send a whole file as {', '.join(FORMATS)}; SVG is not taken, "
            "because it can hold scripts.",
            field="file",
        ) from error


def _decoded(data: bytes) -> Pillow.Image:
    image = Pillow.open(BytesIO(data), formats=FORMATS)
    # Known from the head alone: nothing is unpacked before this.
    if image.width * image.height > MOST_PIXELS:
        raise _too_many_pixels()
    image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    upright = ImageOps.exif_transpose(image)
    has_alpha = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
    return upright.convert("RGBA" if has_alpha else "RGB")


def _made_from(image: Pillow.Image) -> Picture:
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Pillow.Resampling.LANCZOS)
    smaller, last = {}, image
    for side in sorted(Image.SIZES, reverse=True):
        # From one size to the next: each is made from a picture that is hardly larger.
        last = last.copy()
        last.thumbnail((side, side), Pillow.Resampling.LANCZOS)
        smaller[side] = _encoded(last)
    return Picture(image.width, image.height, _encoded(image), smaller)


def _encoded(image: Pillow.Image) -> bytes:
    out = BytesIO()
    # Neither EXIF nor colour profile are handed on, so no place and no camera leaves the house.
    image.save(out, "WEBP", quality=QUALITY, method=2, exif=b"", icc_profile=None)
    return out.getvalue()


def _too_many_pixels() -> PictureTooLarge:
    return PictureTooLarge(
        f"The picture has more than {MOST_PIXELS // 1_000_000} million pixels. Save it smaller and upload it again.",
        field="file",
    )

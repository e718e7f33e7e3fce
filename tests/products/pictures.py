"""Pictures for tests, and files that only say they are some."""

import struct
import zlib
from io import BytesIO

from PIL import Image


def a_picture(kind: str = "JPEG", size: tuple[int, int] = (40, 20), **how: object) -> BytesIO:
    """A small picture in one of the formats."""
    out = BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **how)
    out.seek(0)
    return out


def a_bomb(side: int = 30_000) -> BytesIO:
    """A PNG of a few bytes that says it has 900 million pixels."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return BytesIO(b"\x89PNG\r\n\x1a\n" + body)

"""Files of many formats, depths and makers: each becomes renditions that look like it."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pypdfium2
import pytest
from PIL import Image

from tests.unit.project.pictures import LEFT, RIGHT, as_file, halves, looks_like_it

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZE = (96, 48)
#: What Pillow and the libraries in its wheel write: the format, the mode and the options.
PILLOW: list[tuple[str, str, dict[str, Any]]] = [
    *(("JPEG", "RGB", {"quality": 92, "subsampling": one}) for one in (0, 1, 2)),
    ("JPEG", "RGB", {"progressive": True, "quality": 92}), ("JPEG", "CMYK", {"quality": 95}),
    ("PNG", "RGB", {}), ("PNG", "RGBA", {}), ("PNG", "P", {}), ("PNG", "RGB", {"bits": 8}),
    ("GIF", "P", {}), ("GIF", "P", {"interlace": 1}),
    *(("TIFF", "RGB", {"compression": one}) for one in (
        "raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg",
    )),
    ("TIFF", "CMYK", {}), ("TIFF", "RGBA", {}), ("TIFF", "P", {}), ("TIFF", "LAB", {}),
    ("WEBP", "RGB", {"quality": 90}), ("WEBP", "RGBA", {"lossless": True}),
    ("AVIF", "RGB", {"quality": 90}), ("AVIF", "RGBA", {}), ("PDF", "RGB", {}),
]  # fmt: skip


def _converted(mode: str) -> Image.Image:
    if mode != "LAB":
        return halves(SIZE, mode)
    from PIL import ImageCms

    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.profileToProfile(halves(SIZE), *profiles, outputMode="LAB") or halves(SIZE)


@pytest.mark.parametrize(("form", "mode", "options"), PILLOW)
def test_what_pillow_writes(form: str, mode: str, options: dict[str, Any]) -> None:
    looks_like_it(as_file(_converted(mode), form, **options))


def test_a_photograph_that_lies_on_its_side_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    looks_like_it(as_file(halves(SIZE), "JPEG", exif=exif, quality=95), like=(RIGHT, LEFT))


def test_an_animation_begins_with_its_first_picture() -> None:
    more = [Image.new("RGB", SIZE, "green")]
    for form in ("GIF", "WEBP", "PNG", "TIFF", "AVIF"):
        looks_like_it(as_file(halves(SIZE), form, save_all=True, append_images=more))


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def rows(depth: str) -> Iterator[bytes]:
    """Yield the rows of pixels, whose values have this form."""
    factor = 257 if depth.endswith("H") else 1
    row = [value * factor for pixel in ([LEFT] * 48 + [RIGHT] * 48) for value in pixel]
    for _ in range(SIZE[1]):
        yield struct.pack(f"{depth[0]}{len(row)}{depth[1]}", *row)


def bare_png() -> bytes:
    """Return a PNG of 16 bits, byte by byte."""
    head = struct.pack(">IIBBBBB", *SIZE, 16, 2, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows(">H")))
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def bare_tiff(order: str) -> bytes:
    """Return a TIFF, byte by byte, with its numbers in this order."""
    pixels = b"".join(rows(">B"))
    tags = [(256, SIZE[0]), (257, SIZE[1]), (258, 8), (259, 1), (262, 2), (273, 8), (277, 3),
            (278, SIZE[1]), (279, len(pixels))]  # fmt: skip
    fields = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in tags)
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(pixels))
    return start + pixels + struct.pack(f"{order}H", len(tags)) + fields + bytes(4)


def drawn_pdf() -> bytes:
    """Return a PDF that PDFium wrote, with a bitmap on a page."""
    document: Any = pypdfium2.PdfDocument.new()
    page = document.new_page(*SIZE)
    drawn = pypdfium2.PdfImage.new(document)
    drawn.set_bitmap(pypdfium2.PdfBitmap.from_pil(halves(SIZE)))
    drawn.set_matrix(pypdfium2.PdfMatrix().scale(*SIZE))
    page.insert_obj(drawn)
    page.gen_content()
    file = BytesIO()
    document.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    "made",
    [bare_png, lambda: bare_tiff("<"), lambda: bare_tiff(">"), drawn_pdf],
    ids=["png-16", "tiff-little", "tiff-big", "pdfium"],
)
def test_what_other_makers_write(made: Callable[[], bytes]) -> None:
    looks_like_it(BytesIO(made()))

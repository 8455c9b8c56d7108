from __future__ import annotations

import pytest

from offload.core.files.media_types import Signature, media_type

WEBP = Signature(media_type="image/webp", extension=".webp", size=12)
DOCX = Signature(media_type="application/vnd.docx", extension=".docx", size=8)
ZIP = Signature(media_type="application/zip", extension=".zip", size=4)
BMP = Signature(media_type="image/x-ms-bmp", extension=".bmp", size=2)
#: As a list of signatures may call what is no JPEG.
JP2 = Signature(media_type="image/jpeg", extension=".jp2", size=12)
BINARY = bytes(range(256))
PNG = b"\x89PNG\r\n\x1a\n" + BINARY


@pytest.mark.parametrize(
    ("name", "claimed", "head", "found", "media"),
    [
        # The name is believed.
        ("a.mp4", "video/mp4", BINARY, [], "video/mp4"),
        ("a.mp4", "video/mp4", BINARY, [WEBP], "video/mp4"),
        ("a.docx", "application/vnd.docx", BINARY, [ZIP, DOCX], "application/vnd.docx"),
        ("a.csv", "text/csv", b"a,b", [], "text/csv"),
        ("a.png", "image/png", b"no signature", [], "image/png"),
        ("a.png", "image/png", b"", [], "image/png"),
        # The content proves something else.
        ("a.txt", "text/plain", PNG, [], "image/png"),
        ("a.tar.gz", "application/x-tar", b"\x1f\x8b\x08", [], "application/gzip"),
        # The content disproves the name.
        ("a.png", "image/png", BINARY, [WEBP], "image/webp"),
        ("a.png", "image/png", BINARY, [JP2], "image/png"),
        ("a.png", "image/png", b"BM is text", [BMP], "image/png"),
        # The name says nothing.
        ("a", None, PNG, [BMP], "image/png"),
        ("a", None, BINARY, [WEBP], "image/webp"),
        ("a", None, BINARY, [DOCX, ZIP], "application/zip"),
        ("a", None, BINARY, [BMP], "application/octet-stream"),
        ("a", None, BINARY, [JP2], "application/octet-stream"),
        ("a", None, b"BM is text", [BMP], "text/plain"),
        ("a", None, "Grüße".encode()[:-1], [], "text/plain"),
        ("a", None, "é".encode()[:-1], [], "application/octet-stream"),
        ("a", None, b"", [], "application/octet-stream"),
    ],
)
def test_a_name_is_believed_unless_the_content_disproves_it(
    name: str, claimed: str | None, head: bytes, found: list[Signature], media: str
) -> None:
    assert media_type(name, claimed, head, found) == media

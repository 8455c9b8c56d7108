"""Images that can never be worked on are refused, whatever they unpack to."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from offload import PermanentError
from project.dam import images
from project.dam.metadata import metadata
from tests.unit.project.pictures import as_file, halves


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF", "GIF"])
@pytest.mark.parametrize("make", [images.thumbnail, images.web])
def test_a_truncated_image_can_never_succeed(image_format: str, make: Any) -> None:
    noise = Image.effect_noise((300, 300), 90).convert("RGB")
    whole = as_file(noise, image_format).getvalue()

    with pytest.raises(PermanentError, match=r"cannot be read|no image"):
        make(BytesIO(whole[: len(whole) // 2]), box=48)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\xff\xd8\xff", b"GIF89a", b"\x89PNG\r\n\x1a\n"]
)
@pytest.mark.parametrize("read", [metadata, images.read])
def test_what_is_no_image_can_never_succeed(content: bytes, read: Any) -> None:
    with pytest.raises(PermanentError):
        read(BytesIO(content))


def test_formats_that_run_programs_stay_shut() -> None:
    drawing = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n"

    with pytest.raises(PermanentError, match="no image of"):
        images.read(BytesIO(drawing))


def test_an_image_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)

    with pytest.raises(PermanentError, match="too large"):
        images.web(as_file(halves((100, 100)), "PNG"), box=48)

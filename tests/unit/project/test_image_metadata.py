"""Metadata of images, as JSON can say it."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from project.dam import images
from project.dam.metadata import metadata, plain
from tests.unit.project.pictures import as_file, halves, opened


def test_metadata_tells_the_size_as_seen_and_what_exif_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Camera\0 & Co"
    source = as_file(halves((60, 40)), "JPEG", exif=exif)

    found = metadata(source)

    assert (found["width"], found["height"]) == (40, 60)
    assert (found["format"], found["media_type"], found["mode"]) == ("JPEG", "image/jpeg", "RGB")
    assert found["exif"] == {"Make": "Camera & Co", "Orientation": 6}


def test_an_image_whose_exif_is_broken_is_worked_on_all_the_same() -> None:
    source = as_file(halves((600, 400)), "JPEG", exif=b"Exif\0\0this is no EXIF at all")

    assert opened(images.thumbnail(source, box=48)).size == (48, 32)
    source.seek(0)
    assert metadata(source)["exif"] == {}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("  text \0", "text"),
        (3, 3),
        (0.5, 0.5),
        (float("nan"), None),
        (float("inf"), None),
        (b"\x00\x01", None),
        ((1, 0.5), [1, 0.5]),
        ("\ud800", "?"),
    ],
)
def test_what_json_has_no_form_for_is_left_out_of_metadata(value: Any, expected: Any) -> None:
    assert plain(value) == expected

"""Renditions of a profile: read from its list, or refused with the reason."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from project.dam import images, renditions
from project.dam.renditions import FORMATS, InvalidProfile, Rendition
from tests.unit.project.pictures import as_file

ONE = {"name": "web.webp", "format": "webp", "width": 640}


def test_what_is_left_out_has_a_default() -> None:
    [found] = renditions.read([ONE])

    assert found == Rendition(
        name="web.webp", format="WEBP", width=640, height=640, quality=85, include=(), exclude=()
    )


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ([], "it has no renditions"),
        (None, "it has no renditions"),
        (["web"], "is no rendition"),
        ([{"name": "a", "width": 1}], "has no format"),
        ([{**ONE, "width": "640"}], "is no int"),
        ([{**ONE, "width": True}], "is no int"),
        ([{**ONE, "colour": 1}], "unknown 'colour'"),
        ([{**ONE, "format": "BMP"}], "not PNG, JPEG"),
        ([{**ONE, "width": 0}], "from 1 to 16384"),
        ([{**ONE, "height": 99999}], "from 1 to 16384"),
        ([{**ONE, "quality": 101}], "from 1 to 100"),
        ([ONE, ONE], "two renditions have the name 'web.webp'"),
    ],
)
def test_a_wrong_profile_is_refused(given: Any, problem: str) -> None:
    with pytest.raises(InvalidProfile, match=problem):
        renditions.read(given)


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK", "I;16", "1"])
def test_every_format_is_made_of_every_kind_of_image(image_format: str, mode: str) -> None:
    original = Image.linear_gradient("L").resize((300, 200))
    suited = original.convert("I").convert("I;16") if mode == "I;16" else original.convert(mode)
    file = as_file(suited, "TIFF")

    made = images.rendition(file, width=90, height=40, image_format=image_format, quality=70)

    with Image.open(BytesIO(made.getvalue())) as image:
        assert (image.format, image.size) == (image_format, (60, 40))


def test_an_animation_keeps_its_pictures() -> None:
    first, *rest = [Image.new("RGB", (60, 30), colour) for colour in ("red", "green", "blue")]
    file = BytesIO()
    first.save(file, "GIF", save_all=True, append_images=rest, duration=50)

    made = images.animation(BytesIO(file.getvalue()), box=30)

    with Image.open(made) as image:
        assert (image.format, image.size, getattr(image, "n_frames", 1)) == ("WEBP", (30, 15), 3)

"""Renditions of images: their size, their colours, and which way they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from project.dam import images
from project.dam.metadata import metadata
from tests.unit.project.pictures import LEFT, RIGHT, as_file, halves, opened

if TYPE_CHECKING:
    from pathlib import Path


def near(pixel: Any, colour: tuple[int, int, int], *, by: int = 40) -> bool:
    """Return whether the pixel has about that colour."""
    return all(abs(a - b) <= by for a, b in zip(pixel[:3], colour, strict=True))


@pytest.mark.parametrize(
    ("size", "box", "expected"),
    [
        ((1000, 500), 100, (100, 50)),  # 1000 * 0.1, 500 * 0.1
        ((500, 1000), 100, (50, 100)),  # the long side decides
        ((600, 400), 319, (319, 213)),  # 400 * 319 / 600 = 212.67
        ((40, 30), 48, (40, 30)),  # fits already: never enlarged
        ((48, 48), 48, (48, 48)),
        ((10_000, 9), 48, (48, 1)),  # 9 * 48 / 10000 = 0.04, but no side is nothing
        ((1, 1), 1280, (1, 1)),
    ],
)
def test_a_size_fits_its_box_keeps_its_aspect_and_never_grows(
    size: tuple[int, int], box: int, expected: tuple[int, int]
) -> None:
    assert images.fit(size, box) == expected


@pytest.mark.parametrize(
    ("image_format", "mode"),
    [
        ("JPEG", "RGB"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("PNG", "1"),
        ("PNG", "LA"),
        ("WEBP", "RGB"),
        ("WEBP", "RGBA"),
        ("TIFF", "CMYK"),
        ("TIFF", "LAB"),
        ("TIFF", "F"),
        ("TIFF", "I"),
        ("GIF", "P"),
    ],
)
def test_every_format_and_mode_becomes_a_thumbnail_and_a_web_rendition(
    image_format: str, mode: str
) -> None:
    source = as_file(as_mode(halves((640, 400)), mode), image_format)

    small = opened(images.thumbnail(source, box=140))
    source.seek(0)
    page = opened(images.web(source, box=320))

    assert (small.format, small.size) == ("PNG", (140, 88))  # 400 * 140 / 640 = 87.5
    assert (page.format, page.mode, page.size) == ("JPEG", "RGB", (320, 200))


def as_mode(image: Image.Image, mode: str) -> Image.Image:
    """Return the image in that mode, by way of grey where Pillow knows no direct way."""
    if mode == "LAB":
        return Image.new("LAB", image.size, (120, 140, 110))
    return image.convert("L").convert(mode) if mode in ("I", "F", "LA") else image.convert(mode)


@pytest.mark.parametrize("mode", ["CMYK", "RGB"])
def test_colours_survive(mode: str) -> None:
    source = as_file(halves((400, 200)).convert(mode), "JPEG", quality=95)

    page = opened(images.web(source, box=1280)).convert("RGB")

    assert near(page.getpixel((50, 100)), LEFT)
    assert near(page.getpixel((350, 100)), RIGHT)


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
def test_sixteen_bits_of_grey_are_shown_by_their_upper_eight(mode: str) -> None:
    source = as_file(Image.new(mode, (100, 50), 128 << 8), "TIFF")

    page = opened(images.web(source, box=50))

    assert near(page.getpixel((10, 10)), (128, 128, 128), by=2)


def test_a_png_of_sixteen_bits_is_neither_black_nor_white() -> None:
    source = as_file(Image.new("I;16", (300, 200), 100 << 8), "PNG")

    small = opened(images.thumbnail(source, box=48))

    assert small.size == (48, 32)
    assert near(small.getpixel((20, 20)), (100, 100, 100), by=2)


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, None),
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
        (3, Image.Transpose.ROTATE_180),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (5, Image.Transpose.TRANSPOSE),
        (6, Image.Transpose.ROTATE_90),  # stored turned left, so it is shown turned right
        (7, Image.Transpose.TRANSVERSE),
        (8, Image.Transpose.ROTATE_270),
    ],
)
def test_an_image_stands_upright_however_the_camera_lay(
    orientation: int, turn: Image.Transpose | None
) -> None:
    seen = halves((2400, 1200))
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = as_file(seen.transpose(turn) if turn is not None else seen, "JPEG", exif=exif)

    small = opened(images.thumbnail(source, box=140))

    assert small.size == (140, 70)
    assert near(small.getpixel((10, 35)), LEFT)
    assert near(small.getpixel((130, 35)), RIGHT)
    assert small.getexif().get(0x0112) is None


def test_a_thumbnail_stays_transparent_and_a_web_rendition_is_on_white() -> None:
    image = Image.new("RGBA", (100, 100), (255, 0, 0, 0))
    image.paste((0, 128, 0, 255), (0, 0, 50, 100))
    source = as_file(image, "PNG")

    small = opened(images.thumbnail(source, box=48))
    source.seek(0)
    page = opened(images.web(source, box=1280))

    assert small.getpixel((40, 24))[3] == 0  # type: ignore[index]
    assert near(page.getpixel((75, 50)), (255, 255, 255), by=3)
    assert near(page.getpixel((25, 50)), (0, 128, 0), by=12)


def test_the_transparent_colour_of_a_palette_stays_transparent() -> None:
    image = Image.new("P", (60, 60), 0)
    image.putpalette([255, 0, 255, 0, 0, 255])
    image.paste(1, (0, 0, 30, 60))
    source = as_file(image, "GIF", transparency=0)

    small = opened(images.thumbnail(source, box=48)).convert("RGBA")

    assert small.getpixel((44, 24))[3] == 0  # type: ignore[index]
    assert near(small.getpixel((4, 24)), (0, 0, 255))


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [Image.new("RGB", (80, 40), colour) for colour in ("red", "green", "blue")]
    source = as_file(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)

    page = opened(images.web(source, box=1280))
    source.seek(0)

    assert near(page.getpixel((40, 20)), (255, 0, 0))
    assert metadata(source)["frames"] == 3


def test_a_large_jpeg_read_at_a_fraction_keeps_its_exact_aspect() -> None:
    source = as_file(halves((4001, 33)), "JPEG")

    page = opened(images.web(source, box=1280))

    assert page.size == (1280, 11)  # 33 * 1280 / 4001 = 10.56


def test_a_rendition_is_never_larger_than_the_original() -> None:
    source = as_file(halves((30, 20)), "PNG")

    assert opened(images.thumbnail(source, box=319)).size == (30, 20)
    source.seek(0)
    assert opened(images.web(source, box=1280)).size == (30, 20)


@pytest.mark.parametrize("name", ["coffee-sideways.jpg"])
def test_the_photograph_that_lies_on_its_side_shows_as_the_one_that_does_not(
    name: str, root: Path
) -> None:
    photos = root / "project" / "photos"
    with (photos / name).open("rb") as lying, (photos / "coffee.png").open("rb") as upright:
        turned = opened(images.web(lying, box=150))
        straight = opened(images.web(upright, box=150))

    assert turned.size == straight.size == (150, 100)
    for spot in ((20, 20), (75, 50), (130, 90)):
        assert near(turned.getpixel(spot), straight.getpixel(spot), by=30)  # type: ignore[arg-type]

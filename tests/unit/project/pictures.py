"""Pictures of two halves, made and opened again."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image

from project.dam import images
from project.dam.pictures import picture

LEFT, RIGHT = (200, 30, 30), (30, 30, 200)
#: Most that a colour may differ after it was packed, which formats for photographs do coarsely.
NEAR = 60


def halves(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """Return an image whose left half is red and whose right half is blue."""
    image = Image.new("RGB", size, LEFT)
    image.paste(RIGHT, (size[0] // 2, 0, size[0], size[1]))
    return image.convert(mode)


def as_file(image: Image.Image, image_format: str, **options: Any) -> BytesIO:
    """Return the image as a file of that format."""
    file = BytesIO()
    image.save(file, image_format, **options)
    file.seek(0)
    return file


def opened(file: BytesIO) -> Image.Image:
    """Return the image in the file, wholly read."""
    image = Image.open(file)
    image.load()
    return image


def looks_like_it(file: Any, *, like: tuple[tuple[int, ...], ...] = (LEFT, RIGHT)) -> None:
    """Fail unless its renditions have the colours of the two halves."""
    with picture(file) as image:
        made = [images.thumbnail(image, box=48)]
        image.seek(0)
        made.append(images.web(image, box=320))
    for one in made:
        found = opened(one).convert("RGB")
        places = [(found.width // 4, found.height // 2), (3 * found.width // 4, found.height // 2)]
        for place, wanted in zip(places, like, strict=True):
            got: Any = found.getpixel(place)
            assert max(abs(a - b) for a, b in zip(got, wanted, strict=True)) <= NEAR, (place, got)

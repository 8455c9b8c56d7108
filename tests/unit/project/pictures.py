"""Pictures of two halves, made and opened again."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image

LEFT, RIGHT = (200, 30, 30), (30, 30, 200)


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

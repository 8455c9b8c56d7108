"""The original as the verifier sees it: opened by code of its own, not by the consumers'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

from project.dam.images import BROKEN_IMAGE_ERRORS, IMAGE_FORMATS

if TYPE_CHECKING:
    from pathlib import Path

#: Pixels on each side of the small pictures that are compared.
SIDE_PIXELS = 16

#: How the camera may have lain: an upright rendition resembles none of these more than itself.
TURNS = (
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_180,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.TRANSVERSE,
)

#: By how much a turned original may resemble the rendition more: symmetric images nearly tie.
TIE_MARGIN = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A readable original, upright."""

    image: Image.Image

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.image.size

    def is_upright_in(self, rendition: Image.Image) -> bool:
        """Return whether the rendition shows the original as it stands, not turned or mirrored."""
        seen = features(rendition)
        straight = likeness(features(self.image), seen)
        return all(
            likeness(features(self.image.transpose(turn)), seen) <= straight + TIE_MARGIN
            for turn in TURNS
        )


def source_of(path: Path) -> Source | None:
    """Return the original, or None if it is no image that can be read to its end."""
    try:
        with Image.open(path, formats=IMAGE_FORMATS) as image:
            if image.width * image.height > (Image.MAX_IMAGE_PIXELS or float("inf")):
                return None
            image.load()
            return Source(image=upright(image))
    except (*BROKEN_IMAGE_ERRORS, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None


def upright(image: Image.Image) -> Image.Image:
    """Return the image turned as EXIF says; as it is if its EXIF cannot be read."""
    try:
        return ImageOps.exif_transpose(image)
    except (*BROKEN_IMAGE_ERRORS, TypeError):
        return image


def features(image: Image.Image) -> list[float]:
    """Return the brightness of a coarse grid over the image, its mean taken away."""
    small = grey(image).resize((SIDE_PIXELS, SIDE_PIXELS), Image.Resampling.BOX)
    values = [float(value) for value in small.tobytes()]
    mean = sum(values) / len(values)
    return [value - mean for value in values]


def grey(image: Image.Image) -> Image.Image:
    """Return the image in grey, on white where it is transparent."""
    if image.mode.startswith("I;16"):
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB").convert("L")


def likeness(one: list[float], other: list[float]) -> float:
    """Return how alike two grids are: 1 the same, 0 nothing in common."""
    norm = sum(value * value for value in one) * sum(value * value for value in other)
    if norm == 0.0:
        return 0.0
    return float(sum(a * b for a, b in zip(one, other, strict=True)) / norm**0.5)

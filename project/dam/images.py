"""Operations on images; nothing here knows of jobs."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from io import BytesIO
from typing import IO, TYPE_CHECKING, cast

from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from offload import PermanentError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The formats that are read; Pillow's other formats stay closed.
IMAGE_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF")

#: Value of EXIF's orientation for an image that needs no turn.
UPRIGHT_ORIENTATION = 1

#: Values of EXIF's orientation that lay the image on its side.
SIDEWAYS_ORIENTATIONS = frozenset({5, 6, 7, 8})

#: The errors that Pillow raises for broken images, which differ by format.
BROKEN_IMAGE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    struct.error,
)

#: Quality of the JPEG files made here.
JPEG_QUALITY = 85

#: Spare pixels, as a multiple of the box, when a large JPEG is read at a fraction of its size.
SPARE_FACTOR = 2


@contextmanager
def rejecting_broken_images() -> Iterator[None]:
    """Turn Pillow's errors for unreadable images into a PermanentError with the reason."""
    try:
        yield
    except UnidentifiedImageError as error:
        raise PermanentError(f"The file is no image of {', '.join(IMAGE_FORMATS)}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PermanentError(f"The image is too large: {error}") from error
    except BROKEN_IMAGE_ERRORS as error:
        raise PermanentError(f"The image cannot be read: {error}") from error


def read(file: IO[bytes], *, box: int | None = None) -> Image.Image:
    """Return the first frame of the image, wholly read; coarser where `box` needs no more.

    Raise PermanentError if it is no image, is broken, or is too large.
    """
    image = open_image(file)
    with rejecting_broken_images():
        if box is not None:
            image.draft(None, (box * SPARE_FACTOR, box * SPARE_FACTOR))
        image.load()
    return image


def open_image(file: IO[bytes]) -> Image.Image:
    """Return the image with its pixels not read yet.

    Raise PermanentError if it is no image, is broken, or is too large.
    """
    with rejecting_broken_images():
        image = Image.open(file, formats=IMAGE_FORMATS)
    if image.width * image.height > (Image.MAX_IMAGE_PIXELS or float("inf")):
        raise PermanentError(f"The image is too large: {image.width} x {image.height} pixels")
    return image


def upright_size(file: IO[bytes]) -> tuple[int, int]:
    """Return width and height as seen once EXIF has turned the image; rewind the file.

    Raise PermanentError if it is no image, is broken, or is too large.
    """
    image = open_image(file)
    sideways = orientation(image) in SIDEWAYS_ORIENTATIONS
    file.seek(0)
    return (image.height, image.width) if sideways else (image.width, image.height)


def orientation(image: Image.Image) -> int:
    """Return how EXIF says the image lies; upright if its EXIF cannot be read."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, UPRIGHT_ORIENTATION))
    except (*BROKEN_IMAGE_ERRORS, TypeError):
        return UPRIGHT_ORIENTATION


def fit(size: tuple[int, int], box: int) -> tuple[int, int]:
    """Return the size scaled down to a square of `box` pixels; as it is if it fits already."""
    scale = min(1.0, box / max(size))
    width, height = (max(1, round(side * scale)) for side in size)
    return width, height


def thumbnail(file: IO[bytes], *, box: int) -> BytesIO:
    """Return a PNG that fits in a square of `box` pixels, upright, transparent where it was."""
    return encoded(scaled(file, box=box), "PNG")


def web(file: IO[bytes], *, box: int) -> BytesIO:
    """Return a JPEG that fits in a square of `box` pixels, upright, on white."""
    image = on_white(scaled(file, box=box))
    return encoded(image, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)


def scaled(file: IO[bytes], *, box: int) -> Image.Image:
    """Return the image in eight bits a channel, upright, scaled down to fit in the box."""
    target = fit(upright_size(file), box)
    image = read(file, box=box)
    with rejecting_broken_images():
        turned = (
            image if orientation(image) == UPRIGHT_ORIENTATION else ImageOps.exif_transpose(image)
        )
        plain = in_eight_bits(turned)
        if plain.size == target:
            return plain
        return plain.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)


def in_eight_bits(image: Image.Image) -> Image.Image:
    """Return the image as RGB, or as RGBA where parts of it are transparent."""
    if image.mode.startswith("I;16"):
        return high_bytes(image).convert("RGB")
    if image.mode in ("I", "F"):
        return stretched(image).convert("RGB")
    if image.mode == "CMYK":
        return from_ink(image)
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def high_bytes(image: Image.Image) -> Image.Image:
    """Return the grey image of sixteen bits in the upper eight of them."""
    return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")


def stretched(image: Image.Image) -> Image.Image:
    """Return the grey image with its darkest value at 0 and its brightest at 255."""
    low, high = cast("tuple[float, float]", image.getextrema())
    factor = 255.0 / (high - low) if high > low else 0.0
    return image.convert("F").point(lambda value: value * factor - low * factor).convert("L")


def from_ink(image: Image.Image) -> Image.Image:
    """Return the colours that printed CMYK stands for, by the image's own profile if it has one."""
    profile = image.info.get("icc_profile")
    if not profile:
        return image.convert("RGB")
    try:
        printed = ImageCms.ImageCmsProfile(BytesIO(profile))
        screen = ImageCms.createProfile("sRGB")
        shown = ImageCms.profileToProfile(image, printed, screen, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image.convert("RGB")
    return shown or image.convert("RGB")


def on_white(image: Image.Image) -> Image.Image:
    """Return the image with nothing transparent."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(ground, image).convert("RGB")


def encoded(image: Image.Image, image_format: str, **options: object) -> BytesIO:
    """Return the image as a file of that format, without what came with the original."""
    image.info.clear()
    file = BytesIO()
    image.save(file, image_format, **options)
    file.seek(0)
    return file

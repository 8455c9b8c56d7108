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
IMAGE_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF")

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

#: Pictures of an animation that are kept, and pixels of all of them together.
FRAMES_MAX, FRAME_PIXELS_MAX = 500, 400_000_000

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


def fit(size: tuple[int, int], box: int, height: int | None = None) -> tuple[int, int]:
    """Return the size scaled down to a box of `box` pixels by `height`, which is `box` if left out.

    It stays as it is if it fits already.
    """
    scale = min(1.0, box / size[0], (height or box) / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def thumbnail(file: IO[bytes], *, box: int) -> BytesIO:
    """Return a PNG that fits in a square of `box` pixels, upright, transparent where it was."""
    return encoded(scaled(file, box=box), "PNG")


def web(file: IO[bytes], *, box: int) -> BytesIO:
    """Return a JPEG that fits in a square of `box` pixels, upright, on white."""
    image = on_white(scaled(file, box=box))
    return encoded(image, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)


def rendition(
    file: IO[bytes], *, width: int, height: int, image_format: str, quality: int = JPEG_QUALITY
) -> BytesIO:
    """Return the image in a format, upright, scaled down to fit in a box; on white for JPEG."""
    image = scaled(file, box=width, height=height)
    if image_format == "JPEG":
        image = on_white(image)
        return encoded(image, "JPEG", quality=quality, optimize=True, progressive=True)
    options = {"quality": quality} if image_format in {"WEBP", "AVIF"} else {}
    return encoded(image, image_format, **options)


def animation(file: IO[bytes], *, box: int) -> BytesIO:
    """Return all pictures of the image as a WebP that fits in a square of `box` pixels.

    Raise PermanentError if it is no image, is broken, or is too large.
    """
    image = open_image(file)
    count = int(getattr(image, "n_frames", 1))
    if count > FRAMES_MAX or count * image.width * image.height > FRAME_PIXELS_MAX:
        raise PermanentError(f"The animation is too large: {count} pictures")
    target, pictures, times = fit(image.size, box), [], []
    with rejecting_broken_images():
        for number in range(count):
            image.seek(number)
            pictures.append(image.convert("RGBA").resize(target, Image.Resampling.LANCZOS))
            times.append(int(image.info.get("duration", 100)) or 100)
    first, *rest = pictures
    made = BytesIO()
    first.save(
        made, "WEBP", save_all=True, append_images=rest, duration=times, quality=JPEG_QUALITY,
        loop=int(image.info.get("loop", 0)),
    )  # fmt: skip
    made.seek(0)
    return made


def scaled(file: IO[bytes], *, box: int, height: int | None = None) -> Image.Image:
    """Return the image in eight bits a channel, upright, scaled down to fit in the box."""
    target = fit(upright_size(file), box, height)
    image = read(file, box=max(box, height or 0))
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
    return on_screen(image, image.convert("RGBA" if image.has_transparency_data else "RGB"))


def on_screen(image: Image.Image, plain: Image.Image) -> Image.Image:
    """Return the plain image in sRGB, by the profile of the original's colours, if it has one."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in {"RGB", "RGBA"}:
        return plain
    try:
        own = ImageCms.ImageCmsProfile(BytesIO(profile))
        screen = ImageCms.createProfile("sRGB")
        shown = ImageCms.profileToProfile(plain, own, screen, outputMode=plain.mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return plain
    return shown or plain


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

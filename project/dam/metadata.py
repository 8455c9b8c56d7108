"""Metadata of an image, as plain JSON."""

from __future__ import annotations

import math
from typing import IO, Any

from PIL import ExifTags, Image

from project.dam.images import BROKEN_IMAGE_ERRORS, read, upright_size

#: Characters of the longest text taken over from EXIF.
TEXT_CHARACTERS_MAX = 1000


def metadata(file: IO[bytes]) -> dict[str, Any]:
    """Return format, size, mode, frames and EXIF of the image.

    Raise PermanentError if it is no image, is broken, or is too large.
    """
    width, height = upright_size(file)
    image = read(file)
    return {
        "format": image.format,
        "media_type": Image.MIME.get(image.format or "", ""),
        "width": width,
        "height": height,
        "mode": image.mode,
        "frames": frames(image),
        "exif": exif(image),
    }


def frames(image: Image.Image) -> int | None:
    """Return how many pictures the file holds, or None if those after the first are broken."""
    try:
        return int(getattr(image, "n_frames", 1))
    except BROKEN_IMAGE_ERRORS:
        return None


def exif(image: Image.Image) -> dict[str, Any]:
    """Return EXIF as text and numbers, by the names of its tags; empty if it is broken."""
    try:
        tags = image.getexif()
        found = {**tags, **tags.get_ifd(ExifTags.IFD.Exif)}
    except BROKEN_IMAGE_ERRORS:
        return {}
    named = {ExifTags.TAGS.get(tag, f"tag {tag}"): plain(value) for tag, value in found.items()}
    return {name: value for name, value in sorted(named.items()) if value is not None}


def plain(value: Any) -> str | int | float | list[Any] | None:
    """Return the value as JSON has it, or None for what JSON has no form for."""
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, int):
        return value
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    return number(value)


def readable(text: str) -> str:
    """Return the text without characters that databases cannot store."""
    kept = text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return kept.strip()[:TEXT_CHARACTERS_MAX]


def number(value: Any) -> float | None:
    """Return the number, or None if it is not a finite number."""
    try:
        found = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return found if math.isfinite(found) else None

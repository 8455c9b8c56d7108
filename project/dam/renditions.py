"""Renditions as values: the files that a profile asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import OffloadError
from offload.core.validation.filenames import check_file_name
from offload.core.workflows.conditions import fits

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The formats in which renditions are made, with the ends of their names.
FORMATS: Mapping[str, str] = {
    "PNG": "png", "JPEG": "jpeg", "WEBP": "webp", "GIF": "gif", "AVIF": "avif", "TIFF": "tiff",
}  # fmt: skip
#: Pixels of the largest side that may be asked for.
PIXELS_MAX = 16_384
#: The quality of formats that lose some, from 1 to 100.
QUALITY = 85


class InvalidProfile(OffloadError, ValueError):
    """A profile is a list of renditions."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(
            f"The profile is wrong: {problem}. Write renditions such as "
            '[{"name": "web.jpeg", "format": "JPEG", "width": 1280}].'
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """A file that is made of an original: it fits in a box, and is never larger than that."""

    name: str
    format: str
    #: Pixels.
    width: int
    height: int
    quality: int = QUALITY
    #: Media types of originals; those to exclude are asked first, none to include means all.
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def is_for(self, media_type: str) -> bool:
        """Tell whether it is made of originals of a media type; if that is unknown, it is."""
        if not media_type:
            return True
        return not fits(media_type, self.exclude) and (
            not self.include or fits(media_type, self.include)
        )


#: By each rendition's key: its type, and whether it must be there.
KEYS: Mapping[str, tuple[type, bool]] = {
    "name": (str, True), "format": (str, True), "width": (int, True), "height": (int, False),
    "quality": (int, False), "include": (list, False), "exclude": (list, False),
}  # fmt: skip


def read(given: Any) -> tuple[Rendition, ...]:
    """Return the renditions of a profile's list; raise InvalidProfile if it is wrong or empty."""
    if not isinstance(given, list) or not given:
        raise InvalidProfile("it has no renditions")
    found = tuple(_read(one) for one in given)
    names = [one.name for one in found]
    if twice := next((one for one in names if names.count(one) > 1), ""):
        raise InvalidProfile(f"two renditions have the name {twice!r}")
    return found


def _read(given: Any) -> Rendition:
    if not isinstance(given, dict):
        raise InvalidProfile(f"{given!r:.80} is no rendition")
    for key, (kind, is_needed) in KEYS.items():
        if is_needed and key not in given:
            raise InvalidProfile(f"{given!r:.80} has no {key}")
        if key in given and type(given[key]) is not kind:
            raise InvalidProfile(f"{key} of {given!r:.80} is no {kind.__name__}")
    if unknown := given.keys() - KEYS.keys():
        raise InvalidProfile(f"{given!r:.80} has an unknown {min(unknown)!r}")
    return _checked(given)


def _checked(given: dict[str, Any]) -> Rendition:
    made = Rendition(
        name=given["name"],
        format=given["format"].upper(),
        width=given["width"],
        height=given.get("height", given["width"]),
        quality=given.get("quality", QUALITY),
        include=tuple(map(str, given.get("include", ()))),
        exclude=tuple(map(str, given.get("exclude", ()))),
    )
    check_file_name(made.name)
    if made.format not in FORMATS:
        raise InvalidProfile(
            f"{made.name} has the format {made.format!r}, not {', '.join(FORMATS)}"
        )
    if not 0 < min(made.width, made.height) <= max(made.width, made.height) <= PIXELS_MAX:
        raise InvalidProfile(f"{made.name} has sides that are not from 1 to {PIXELS_MAX} pixels")
    if not 1 <= made.quality <= 100:
        raise InvalidProfile(f"{made.name} has a quality that is not from 1 to 100")
    return made

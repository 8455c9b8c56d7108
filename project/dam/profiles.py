"""The profile that holds for a path: that of the nearest folder, or the usual one."""

from __future__ import annotations

from dataclasses import dataclass

from project.dam import renditions
from project.dam.renditions import Rendition

#: Pixels of the squares that thumbnails fit in.
THUMBNAIL_PIXELS = (48, 140, 319)

#: Pixels of the square that the web rendition fits in.
WEB_PIXELS = 1280


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileValue:
    """A profile as a value."""

    renditions: tuple[Rendition, ...]
    metadata: bool = True
    metadata_fields: tuple[str, ...] = ()


def _thumbnail(pixels: int) -> Rendition:
    name = f"thumbnail.{pixels}.png"
    return Rendition(name=name, format="PNG", width=pixels, height=pixels)


USUAL = ProfileValue(
    renditions=(
        *map(_thumbnail, THUMBNAIL_PIXELS),
        Rendition(
            name=f"web.{WEB_PIXELS}.jpeg", format="JPEG", width=WEB_PIXELS, height=WEB_PIXELS
        ),
    )
)


def profile_for(path: str) -> ProfileValue:
    """Return the profile of a path's folder; the usual one without a path, or a profile.

    Raise InvalidProfile for a row that was written by hand.
    """
    if not path:
        return USUAL
    # Workflows are defined before models are ready.
    from project.dam.models import Profile

    row = max(
        Profile.objects.filter(folder__in=_folders(path)),
        key=lambda one: len(one.folder),
        default=None,
    )
    if row is None:
        return USUAL
    return ProfileValue(
        renditions=renditions.read(row.renditions),
        metadata=row.metadata,
        metadata_fields=tuple(row.metadata_fields),
    )


def _folders(path: str) -> list[str]:
    """Return the folders that a path is in, that of everything last."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)] + [""]

"""The workflow for a new asset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import chord

from offload.workflows import step, workflow
from project.dam.profiles import THUMBNAIL_PIXELS, USUAL, WEB_PIXELS, profile_for

if TYPE_CHECKING:
    from celery.canvas import Signature

    from project.dam.profiles import ProfileValue
    from project.dam.renditions import Rendition

__all__ = ["THUMBNAIL_PIXELS", "UPDATE_ASSET", "WEB_PIXELS", "WHOLE_ASSET", "update_asset"]

UPDATE_ASSET = "dam/update-asset"
#: The same, as one job of another site.
WHOLE_ASSET = "dam/update-asset/whole"

#: Media types of originals that may hold several pictures to be shown one after the other.
ANIMATED = ("image/gif",)

#: Renditions that fit in a square of so many pixels are made where thumbnails are.
SMALL_PIXELS = max(THUMBNAIL_PIXELS)


@workflow(UPDATE_ASSET)
def update_asset(*, path: str = "", media_type: str = "") -> Signature:
    """Read the metadata and make the renditions of the path's profile, then list them."""
    profile = profile_for(path)
    wanted = [one for one in profile.renditions if one.is_for(media_type)]
    made = [rendition(one, is_usual=profile is USUAL) for one in wanted]
    if media_type in ANIMATED:
        made.append(step("dam/rendition/animated", width=WEB_PIXELS))
    return chord([*metadata(profile), *made], step("dam/manifest"))


@workflow(WHOLE_ASSET, placement="peer")
def update_asset_elsewhere(*, path: str = "", media_type: str = "") -> Signature:
    """Do the same steps, all of them at another site."""
    return update_asset(path=path, media_type=media_type)


def metadata(profile: ProfileValue) -> list[Signature]:
    """Return the step that reads metadata, if the profile wants it."""
    if not profile.metadata:
        return []
    fields: dict[str, Any] = (
        {"fields": list(profile.metadata_fields)} if profile.metadata_fields else {}
    )
    return [step("dam/metadata", **fields)]


def rendition(one: Rendition, *, is_usual: bool) -> Signature:
    """Return the step that makes a rendition, on the kind of worker for its size."""
    is_small = max(one.width, one.height) <= SMALL_PIXELS
    topic = "dam/rendition/thumbnail" if is_small else "dam/rendition/web"
    if is_usual:
        return step(topic, width=one.width)
    facts: dict[str, Any] = {
        "width": one.width, "height": one.height, "name": one.name, "format": one.format,
        "quality": one.quality,
    }  # fmt: skip
    return step(topic, **facts)

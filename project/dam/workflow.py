"""The workflow for a new asset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import chord

from offload.workflows import step, workflow

if TYPE_CHECKING:
    from celery.canvas import Signature

UPDATE_ASSET = "dam/update-asset"

#: Pixels of the squares that thumbnails fit in.
THUMBNAIL_PIXELS = (48, 140, 319)

#: Pixels of the square that the web rendition fits in.
WEB_PIXELS = 1280


@workflow(UPDATE_ASSET)
def update_asset() -> Signature:
    """Read the metadata and make the renditions, then list them."""
    thumbnails = [step("dam/rendition/thumbnail", width=width) for width in THUMBNAIL_PIXELS]
    web = step("dam/rendition/web", width=WEB_PIXELS)
    return chord([step("dam/metadata"), *thumbnails, web], step("dam/manifest"))

"""The work on assets; found at start-up because of this file's name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from offload import consumer
from project.dam import images
from project.dam.metadata import metadata as read_metadata
from project.dam.pictures import picture
from project.dam.renditions import QUALITY

if TYPE_CHECKING:
    from offload.models import PayloadFile
    from offload.worker.tasks.current_job import CurrentJob


@consumer("dam/metadata")
def metadata(job: CurrentJob, *, fields: list[str] | None = None) -> dict[str, Any]:
    """Read the image's own metadata, or these fields of it."""
    with job.inputs["original"].open() as file, picture(file) as image:
        found = read_metadata(image)
    kept = {name: one for name, one in found.items() if fields is None or name in fields}
    job.outputs.add("metadata.json", as_json(kept))
    return kept


@consumer("dam/rendition/thumbnail")
def thumbnail(
    job: CurrentJob,
    *,
    width: int,
    height: int = 0,
    name: str = "",
    format: str = "PNG",  # noqa: A002 -- it is a profile's word
    quality: int = QUALITY,
) -> dict[str, Any]:
    """Make a small image, by default a PNG in a square of `width` pixels."""
    return make(job, name or f"thumbnail.{width}.png", (width, height or width), format, quality)


@consumer("dam/rendition/web")
def web(
    job: CurrentJob,
    *,
    width: int,
    height: int = 0,
    name: str = "",
    format: str = "JPEG",  # noqa: A002 -- it is a profile's word
    quality: int = QUALITY,
) -> dict[str, Any]:
    """Make an image for pages, by default a JPEG in a square of `width` pixels."""
    return make(job, name or f"web.{width}.jpeg", (width, height or width), format, quality)


def make(
    job: CurrentJob, name: str, box: tuple[int, int], image_format: str, quality: int
) -> dict[str, Any]:
    """Make a rendition of the original that fits in a box of so many pixels."""
    with job.inputs["original"].open() as file, picture(file) as image:
        made = images.rendition(
            image, width=box[0], height=box[1], image_format=image_format, quality=quality
        )
    job.outputs.add(name, made, media_type=f"image/{image_format.lower()}")
    return {"name": name}


@consumer("dam/rendition/animated")
def animated(job: CurrentJob, *, width: int) -> dict[str, Any]:
    """Make a WebP with all pictures of an animation, in a square of `width` pixels."""
    with job.inputs["original"].open() as file:
        made = images.animation(file, box=width)
    job.outputs.add(f"animated.{width}.webp", made, media_type="image/webp")
    return {"name": f"animated.{width}.webp"}


@consumer("dam/manifest")
def manifest(job: CurrentJob, results: list[Any]) -> dict[str, Any]:
    """List the files that the other steps made."""
    made = [entry(file) for file in job.siblings]
    job.outputs.add("manifest.json", as_json({"files": made}))
    return {"files": len(made), "steps": len(results)}


def entry(file: PayloadFile) -> dict[str, Any]:
    """Return the manifest's entry for a file."""
    return {
        "name": file.name,
        "topic": file.job.topic if file.job else "",
        "instance": file.job.instance if file.job else "",
        "size": file.size,
        "sha256": file.sha256,
        "media_type": file.media_type,
    }


def as_json(value: Any) -> bytes:
    """Return the value as a JSON file for people."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode()

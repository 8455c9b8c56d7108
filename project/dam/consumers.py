"""The work on assets; found at start-up because of this file's name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from offload import consumer
from project.dam import images
from project.dam.metadata import metadata as read_metadata

if TYPE_CHECKING:
    from offload.models import PayloadFile
    from offload.worker.tasks.current_job import CurrentJob


@consumer("dam/metadata")
def metadata(job: CurrentJob) -> dict[str, Any]:
    """Read the image's own metadata."""
    with job.inputs["original"].open() as file:
        found = read_metadata(file)
    job.outputs.add("metadata.json", as_json(found))
    return found


@consumer("dam/rendition/thumbnail")
def thumbnail(job: CurrentJob, *, width: int) -> dict[str, Any]:
    """Make a PNG that fits in a square of `width` pixels."""
    with job.inputs["original"].open() as file:
        made = images.thumbnail(file, box=width)
    job.outputs.add(f"thumbnail.{width}.png", made, media_type="image/png")
    return {"name": f"thumbnail.{width}.png"}


@consumer("dam/rendition/web")
def web(job: CurrentJob, *, width: int) -> dict[str, Any]:
    """Make a JPEG for pages that fits in a square of `width` pixels."""
    with job.inputs["original"].open() as file:
        made = images.web(file, box=width)
    job.outputs.add(f"web.{width}.jpeg", made, media_type="image/jpeg")
    return {"name": f"web.{width}.jpeg"}


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

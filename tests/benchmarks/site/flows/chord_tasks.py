"""The sample workflow as a chord of plain Celery tasks, whose files lie in Django's storage."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from celery import chord
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from project.dam import images
from project.dam.metadata import metadata as read_metadata
from project.dam.pictures import picture
from project.dam.profiles import THUMBNAIL_PIXELS, WEB_PIXELS
from tests.benchmarks.site.celery import app

if TYPE_CHECKING:
    from pathlib import Path

    from celery.result import AsyncResult

#: The name of the task that ends a run.
LAST = "flow.manifest"


def begin(key: str, original: Path) -> AsyncResult[Any]:
    """Store the file, and send the chord."""
    with original.open("rb") as file:
        default_storage.save(f"{key}/original", file)
    thumbnails = [thumbnail.s(key, width=width) for width in THUMBNAIL_PIXELS]
    header = [metadata.s(key), *thumbnails, web.s(key, width=WEB_PIXELS)]
    return chord(header)(manifest.s(key))


def _stored(key: str, name: str, content: bytes) -> dict[str, Any]:
    default_storage.save(f"{key}/{name}", ContentFile(content))
    return {"name": name, "size": len(content), "sha256": sha256(content).hexdigest()}


@app.task(name="flow.metadata")
def metadata(key: str) -> dict[str, Any]:
    """Read the image's own metadata."""
    with default_storage.open(f"{key}/original") as file, picture(file) as image:
        found = read_metadata(image)
    return _stored(key, "metadata.json", json.dumps(found, indent=2).encode())


@app.task(name="flow.thumbnail")
def thumbnail(key: str, *, width: int) -> dict[str, Any]:
    """Make a PNG that fits in a square."""
    with default_storage.open(f"{key}/original") as file, picture(file) as image:
        made = images.thumbnail(image, box=width)
    return _stored(key, f"thumbnail.{width}.png", made.getvalue())


@app.task(name="flow.web")
def web(key: str, *, width: int) -> dict[str, Any]:
    """Make a JPEG for pages that fits in a square."""
    with default_storage.open(f"{key}/original") as file, picture(file) as image:
        made = images.web(image, box=width)
    return _stored(key, f"web.{width}.jpeg", made.getvalue())


@app.task(name=LAST)
def manifest(entries: list[Any], key: str) -> dict[str, Any]:
    """List the files that the other steps made."""
    default_storage.save(f"{key}/manifest.json", ContentFile(json.dumps(entries).encode()))
    return {"files": len(entries)}

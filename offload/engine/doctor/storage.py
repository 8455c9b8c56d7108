"""The storage of payloads: whether a file can be put there, read again and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from uuid_utils import uuid7

from offload.conf import settings
from offload.engine.doctor.finding import Finding, fail, ok, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECT = "storage"

CONTENT = b"Written by 'manage.py offload doctor', which removes it again."


def examine() -> Iterator[Finding]:
    """Yield whether it can be used."""
    alias = settings().storage
    try:
        same = _round_trip(alias)
    except Exception as error:  # Any library may be behind it, with errors of its own.
        told = f"The storage {alias!r} cannot be used: {type(error).__name__}: {one_line(error)}"
        yield fail(SUBJECT, told, f'Correct STORAGES["{alias}"], or the rights of its folder.')
        return
    if same:
        yield ok(SUBJECT, f"The storage {alias!r} takes files and gives them back.")
    else:
        told = f"The storage {alias!r} gives back other bytes than it was given."
        yield fail(SUBJECT, told, f'Correct STORAGES["{alias}"]: payloads must stay as they are.')


def _round_trip(alias: str) -> bool:
    storage = storages[alias]
    location = storage.save(f"offload-doctor-{uuid7()}", ContentFile(CONTENT))
    try:
        with storage.open(location, "rb") as file:
            return bool(file.read() == CONTENT)
    finally:
        storage.delete(location)

"""The storage of payloads: whether a file can be put there, read again and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.files.base import ContentFile
from uuid_utils import uuid7

from offload.conf import settings
from offload.core.exceptions import FileNotStored
from offload.diagnostics.finding import Finding, fail, ok, one_line
from offload.files.storing import store
from offload.models import stores

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECT = "storage"

PROBE_CONTENT = b"Written by 'manage.py offload doctor', which removes it again."


def examine() -> Iterator[Finding]:
    """Yield whether it can be used."""
    alias = settings().storage
    try:
        same = _round_trip(alias)
    except Exception as error:  # Any library may be behind it, with errors of its own.
        told = f"The storage {alias!r} cannot be used: {_problem(error)}."
        step = f'Correct STORAGES["{alias}"], or the rights or the free space of its folder.'
        yield fail(SUBJECT, told, step)
        return
    if same:
        yield ok(SUBJECT, f"The storage {alias!r} takes files and gives them back.")
    else:
        told = f"The storage {alias!r} gives back other bytes than it was given."
        yield fail(SUBJECT, told, f'Correct STORAGES["{alias}"]: payloads must stay as they are.')


def _problem(error: Exception) -> str:
    if isinstance(error, FileNotStored):
        return error.problem
    return f"{type(error).__name__}: {one_line(error)}"


def _round_trip(alias: str) -> bool:
    storage = stores.storage(alias)
    location = store(alias, f"offload-doctor-{uuid7()}", ContentFile(PROBE_CONTENT), name="a test")
    try:
        with storage.open(location, "rb") as file:
            return bool(file.read() == PROBE_CONTENT)
    finally:
        storage.delete(location)

"""The storage of payloads: whether a file can be stored, read and removed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile
from uuid_utils import uuid7

from offload.conf import settings
from offload.core.exceptions import ConfigurationError, FileNotStored
from offload.core.texts import counted
from offload.diagnostics.finding import Finding, fail, ok, one_line, warn
from offload.files import scratch
from offload.files.storing import store
from offload.models import stores
from offload.reading import payloads

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECT = "storage"
SCRATCH_STEP = 'Correct OFFLOAD["SCRATCH"], or free space on its disk.'

PROBE_CONTENT = b"Written by 'manage.py offload doctor', which removes it again."


def examine_deletions() -> Iterator[Finding]:
    """Yield storages that fail to delete files that nothing uses."""
    for alias, facts in payloads.deletions().items():
        if facts["failing"]:
            files = counted(facts["failing"], "file", "files")
            fact = f"The storage {alias!r} failed to delete {files}: {facts['error']:.300}."
            yield warn(SUBJECT, fact, "It is tried again; now: manage.py offload payload prune")


def examine_deliveries() -> Iterator[Finding]:
    """Yield that outputs of jobs could not be delivered: as yet, and for good."""
    if (failing := payloads.failing_deliveries()).count:
        files = counted(failing.count, "output is", "outputs are")
        fact = f"{files} not delivered yet: {failing.error:.300}."
        yield warn(SUBJECT, fact, f"It is tried again; see manage.py offload job {failing.job_id}")
    if (lost := payloads.lost_deliveries()).count:
        files = counted(lost.count, "output was", "outputs were")
        fact = f"{files} not delivered, which is final: {lost.error:.300}."
        yield warn(SUBJECT, fact, f"See why: manage.py offload job {lost.job_id}")


def examine_transfers() -> Iterator[Finding]:
    """Yield that files could not be carried between clusters within the last day."""
    if (failed := payloads.failed_transfers()).count:
        files = counted(failed.count, "file", "files")
        fact = f"{files} could not be carried between clusters: {failed.error:.300}."
        yield warn(SUBJECT, fact, f"See manage.py offload transfers {failed.job_id}")


def examine_scratch() -> Iterator[Finding]:
    """Yield whether runs can have scratch folders on this host."""
    yield _scratch()


def _scratch() -> Finding:
    try:
        place = scratch.root()
    except ConfigurationError as error:
        return fail(SUBJECT, f"Runs have no scratch folder here: {error.problem}.", SCRATCH_STEP)
    free, least = shutil.disk_usage(place).free, settings().min_free
    if free < least:
        fact = f"The scratch folder {place} has {free:,} bytes free, and {least:,} must stay so."
        return warn(SUBJECT, fact, SCRATCH_STEP)
    return ok(SUBJECT, f"Runs have the scratch folder {place} on this host.")


def examine() -> Iterator[Finding]:
    """Yield whether the storage works."""
    alias = settings().storage
    try:
        same = _round_trip(alias)
    except Exception as error:  # A storage may be built on any library, with errors of its own.
        fact = f"The storage {alias!r} cannot be used: {_problem(error)}."
        step = f'Correct STORAGES["{alias}"], or the rights or the free space of its folder.'
        yield fail(SUBJECT, fact, step)
        return
    if same:
        yield ok(SUBJECT, f"The storage {alias!r} stores files and returns them unchanged.")
    else:
        fact = f"The storage {alias!r} returns other bytes than were stored."
        yield fail(SUBJECT, fact, f'Correct STORAGES["{alias}"]: payloads must stay as they are.')


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

"""Storing and removing files: nothing half-written stays, whatever a storage does."""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.files.storage import FileSystemStorage

from offload.core.exceptions import FileNotStored
from offload.models import stores

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.core.files import File

logger = logging.getLogger("offload.storing")


def store(alias: str, location: str, file: File[Any], *, name: str) -> str:
    """Put a file into a storage and return its location.

    ``location`` must be unused. Raise FileNotStored if the storage fails, with everything that it
    has written removed.
    """
    try:
        with naming(alias, name):
            return stores.storage(alias).save(location, file)
    except BaseException:
        remove(alias, [location])
        raise


@contextmanager
def naming(alias: str, name: str) -> Iterator[None]:
    """Turn any error of the storage, or the disk, in the block into FileNotStored."""
    try:
        yield
    # A storage may be built on any library, with errors of its own.
    except Exception as error:
        raise FileNotStored(name=name, storage=alias, problem=_problem(error)) from error


def _problem(error: Exception) -> str:
    reason = str(error) or type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        reason = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return " ".join(reason.split()).rstrip(".")


def remove(alias: str, locations: Iterable[str]) -> None:
    """Delete files from a storage; log those that could not be deleted."""
    for location in locations:
        try:
            stores.storage(alias).delete(location)
        except Exception:
            logger.exception("file %s of storage %r is left over", location, alias)


def remove_folder(alias: str, folder: str) -> None:
    """Delete a payload's empty folder, if the storage has folders."""
    storage = stores.storage(alias)
    if isinstance(storage, FileSystemStorage):
        with suppress(OSError):
            Path(storage.path(folder)).rmdir()

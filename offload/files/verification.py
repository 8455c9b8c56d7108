"""Comparison of the rows of files with what their storages have."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.files.locations import made_at
from offload.core.texts import as_text
from offload.files.transports.staging import digest
from offload.models import DyingFile, KeptFile, PayloadFile, stores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.models.payloads import PayloadFileQuerySet

#: Rows that are read at once.
ROWS = 500


class FileFault(enum.StrEnum):
    """A disagreement between a row and its storage."""

    #: A row without a file.
    MISSING = "missing"
    #: The file has other bytes than were stored.
    CHANGED = "changed"
    #: The storage failed.
    UNREADABLE = "unreadable"
    #: A file without a row.
    ORPHAN = "orphan"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyFile:
    """A file, and what is wrong with it."""

    fault: FileFault
    storage: str
    location: str
    #: The name by which its job knows it; "" for an orphan.
    name: str = ""
    payload: str = ""
    #: Bytes; of an orphan those in the storage.
    size: int = 0
    problem: str = ""


def verify(files: PayloadFileQuerySet) -> Iterator[FaultyFile | None]:
    """Read each file and compare its SHA-256; yield one fault, or None, for each row."""
    behind = 0
    while rows := list(files.filter(pk__gt=behind).select_related("payload").order_by("pk")[:ROWS]):
        for row in rows:
            yield _verified(row)
        behind = rows[-1].pk


def _verified(row: PayloadFile) -> FaultyFile | None:
    try:
        with row.open() as content:
            found = digest(content)
    except FileNotFoundError:
        return _fault(row, FileFault.MISSING, "the storage has no such file")
    # A storage may be built on any library, with errors of its own.
    except Exception as error:
        is_there = _exists(row)
        fault = FileFault.UNREADABLE if is_there else FileFault.MISSING
        return _fault(row, fault, as_text(error) or type(error).__name__)
    if found == row.sha256:
        return None
    return _fault(row, FileFault.CHANGED, f"its SHA-256 is {found}, not {row.sha256}")


def _exists(row: PayloadFile) -> bool:
    try:
        return stores.storage(row.payload.storage).exists(row.location)
    except Exception:
        return True


def _fault(row: PayloadFile, fault: FileFault, problem: str) -> FaultyFile | None:
    if not PayloadFile.objects.filter(pk=row.pk).exists():
        # It was deleted meanwhile, as it should be.
        return None
    return FaultyFile(
        fault=fault,
        storage=row.payload.storage,
        location=row.location,
        name=row.name,
        payload=str(row.payload_id),
        size=row.size,
        problem=problem,
    )


def orphans(alias: str, *, before: float) -> Iterator[FaultyFile]:
    """Yield files that look like a job's, were made before a time, and have no row.

    ``before`` is in seconds since the epoch; younger ones may belong to a transaction that has not
    committed. Raise whatever the storage raises.
    """
    storage = stores.storage(alias)
    for folder in sorted(_listed(alias, "")[0]):
        if not _is_old(folder, before):
            continue
        names = [name for name in _listed(alias, folder)[1] if _is_old(name, before)]
        locations = [f"{folder}/{name}" for name in sorted(names)]
        known = _known(alias, folder, locations)
        for location in locations:
            if location not in known:
                size = storage.size(location)
                yield FaultyFile(
                    fault=FileFault.ORPHAN, storage=alias, location=location, size=size
                )


def _listed(alias: str, folder: str) -> tuple[list[str], list[str]]:
    try:
        folders, files = stores.storage(alias).listdir(folder)
    except FileNotFoundError:
        return [], []
    return list(folders), list(files)


def _is_old(name: str, before: float) -> bool:
    made = made_at(name)
    return made is not None and made < before


def _known(alias: str, folder: str, locations: list[str]) -> set[str]:
    """Return those of a folder's files that have a row; most folders are called by a payload."""
    found = set(PayloadFile.objects.filter(payload=folder).values_list("location", flat=True))
    left = [one for one in locations if one not in found]
    for begin in range(0, len(left), ROWS):
        some = left[begin : begin + ROWS]
        rows = PayloadFile.objects.filter(payload__storage=alias, location__in=some)
        found.update(rows.values_list("location", flat=True))
        for model in (DyingFile, KeptFile):
            others = model.objects.filter(storage=alias, location__in=some)
            found.update(others.values_list("location", flat=True))
    return found

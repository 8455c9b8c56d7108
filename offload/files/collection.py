"""Collection of files that nothing uses: marked as dying with their rows, then deleted (G2).

A location is never used twice, so nothing can begin to use a file that is dying. The mark is
committed with the deletion of the rows, so a file is deleted whoever dies; a storage that fails is
asked again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from django.db import DatabaseError
from django.db.models import F, Q

from offload.core.states import JobState
from offload.core.texts import as_text
from offload.db import database
from offload.files.storing import remove_folder
from offload.fleet.duties import Duty
from offload.fleet.snapshots import now
from offload.models import DyingFile, KeptFile, PayloadFile, stores
from offload.models.fields import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offload.models.payloads import PayloadFileQuerySet

logger = logging.getLogger("offload.collection")

#: Files deleted, and rows looked at, by one sweep.
COLLECTED_FILES, SCANNED_ROWS = 200, 1_000
#: Seconds until a storage that failed to delete a file is asked again; doubled each time.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 10.0, 3_600.0


def drop(files: PayloadFileQuerySet) -> int:
    """Delete rows of files, and have the files deleted after the commit; return how many."""
    with database.atomic():
        found = list(files.values_list("pk", "payload__storage", "location"))
        mark((alias, location) for _, alias, location in found)
        PayloadFile.objects.filter(pk__in=[pk for pk, *_ in found]).delete()
    return len(found)


def mark(places: Iterable[tuple[str, str]]) -> None:
    """Mark files, by storage and location, as dying; delete them after the commit.

    Their rows must be deleted in the same transaction.
    """
    rows = [DyingFile(storage=alias, location=location) for alias, location in places]
    if rows:
        DyingFile.objects.bulk_create(rows)
        database.on_commit(partial(_collect_marked, rows))


def _collect_marked(rows: list[DyingFile]) -> None:
    """Delete files right after the commit that marked them, if they are few.

    What fails is left to the sweep.
    """
    if len(rows) > COLLECTED_FILES:
        return
    try:
        _collect(rows)
    except DatabaseError as error:
        logger.warning("%s files are left to the next sweep: %s", len(rows), error)


def collect(*, most: int = COLLECTED_FILES) -> int:
    """Delete dying files that are due; return how many."""
    return _collect(DyingFile.objects.due()[:most])


def _collect(rows: Iterable[DyingFile]) -> int:
    return sum(_deleted(row) for row in list(rows))


def _deleted(row: DyingFile) -> bool:
    """Delete a file, then its row; return whether that succeeded."""
    try:
        stores.storage(row.storage).delete(row.location)
    # A storage may be built on any library, with errors of its own.
    except Exception as error:
        _postpone(row, error)
        return False
    remove_folder(row.storage, row.location.rpartition("/")[0])
    DyingFile.objects.filter(pk=row.pk).delete()
    return True


def _postpone(row: DyingFile, error: Exception) -> None:
    pause = min(FIRST_PAUSE_SECONDS * 2 ** min(row.failures, 20), LONGEST_PAUSE_SECONDS)
    logger.warning("file %s of storage %r is left over: %r", row.location, row.storage, error)
    DyingFile.objects.filter(pk=row.pk).update(
        failures=counted(row.failures),
        due_at=now() + timedelta(seconds=pause),
        error=as_text(error) or type(error).__name__,
    )


def unused() -> PayloadFileQuerySet:
    """Return outputs that will never be visible: of attempts that did not make their job succeed.

    No running attempt can add to them.
    """
    is_overtaken = Q(epoch__lt=F("job__epoch"))
    is_vain = Q(job__finished_at__isnull=False) & ~Q(job__state=JobState.SUCCEEDED)
    return PayloadFile.objects.filter(is_overtaken | is_vain, job__isnull=False)


@dataclass(slots=True)
class Collector:
    """Sweeps that look for unused outputs, a part of the rows at a time."""

    #: The last row that was looked at.
    behind: int = 0

    def sweep(self) -> int:
        """Drop unused outputs among the next rows, and delete dying files; return how many."""
        dropped = self._drop_some()
        return max(dropped, collect())

    def _drop_some(self) -> int:
        rows = PayloadFile.objects.filter(pk__gt=self.behind).order_by("pk")
        found = list(rows.values_list("pk", flat=True)[:SCANNED_ROWS])
        first, self.behind = self.behind, found[-1] if len(found) == SCANNED_ROWS else 0
        if not found:
            return 0
        return drop(unused().filter(pk__gt=first, pk__lte=found[-1]))


def duty() -> Duty:
    """Return the sweep as a leader's duty.

    It needs no term: deleting twice does no harm, and what is unused stays so.
    """
    return Duty(name="collect", do=Collector().sweep, every=10.0, batch=COLLECTED_FILES)


def drop_orphans(places: Iterable[tuple[str, str]]) -> int:
    """Have files without a row deleted, unless they have one now; return how many."""
    found = [
        (alias, location)
        for alias, location in places
        if not PayloadFile.objects.filter(location=location, payload__storage=alias).exists()
        and not KeptFile.objects.filter(location=location, storage=alias).exists()
    ]
    with database.atomic():
        mark(found)
    return len(found)


def collect_all() -> int:
    """Delete all dying files, also those that failed a moment ago; return how many are left."""
    behind = 0
    while rows := list(DyingFile.objects.filter(pk__gt=behind).order_by("pk")[:COLLECTED_FILES]):
        _collect(rows)
        behind = rows[-1].pk
    return DyingFile.objects.count()

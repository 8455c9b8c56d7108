"""Contents that are kept although no job uses them: another cluster may send them again (G6).

Each is pinned while it is copied; what is not pinned is dropped once it is too old, or too much.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.files.storage import FileSystemStorage
from django.db.models import Sum

from offload.conf import peers, settings
from offload.db import database
from offload.files.collection import mark
from offload.files.transports.transport import Source
from offload.fleet.duties import Duty
from offload.fleet.snapshots import now
from offload.models import Job, KeptFile, stores

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django.db.models import QuerySet

    from offload.core.transfers.descriptions import FileDescription
    from offload.models import PayloadFile
    from offload.models.files.kept_files import KeptFileQuerySet

#: Seconds for which a content is not deleted that is being copied.
PIN_SECONDS = 3_600.0
#: Contents dropped by one sweep, and digests that one statement asks for.
DROPPED_FILES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Travelled:
    """The other clusters of jobs that travelled, by the jobs and by their payloads."""

    by_job: Mapping[str, str]
    by_payload: Mapping[str, str]

    def peer(self, file: PayloadFile) -> str:
        """Return the cluster that knows a file, or nothing."""
        if file.job_id is not None:
            return self.by_job.get(file.job_id, "")
        return self.by_payload.get(str(file.payload_id), "")


NOBODY = Travelled(by_job={}, by_payload={})


def travelled(job_ids: Sequence[str]) -> Travelled:
    """Return which other clusters know the files of jobs; nothing is asked if none are kept."""
    if not (settings().keep_files and settings().max_kept and peers()):
        return NOBODY
    jobs = Job.objects.filter(pk__in=job_ids).exclude(peer=None, home=None)
    rows = list(jobs.values_list("pk", "payload_id", "home", "peer"))
    return Travelled(
        by_job={pk: home or peer or "" for pk, _, home, peer in rows},
        by_payload={str(payload): home or peer or "" for _, payload, home, peer in rows},
    )


def keep(files: QuerySet[PayloadFile], known: Travelled) -> set[tuple[str, str]]:
    """Keep contents of files whose rows are deleted in this transaction; return their places.

    Of equal contents one is kept.
    """
    if known is NOBODY:
        return set()
    found = [(known.peer(one), one) for one in files.select_related("payload")]
    rows = [
        KeptFile(
            peer=peer,
            sha256=one.sha256,
            size=one.size,
            storage=one.payload.storage,
            location=one.location,
        )
        for peer, one in found
        if peer and 0 < one.size <= settings().max_kept
    ]
    KeptFile.objects.bulk_create(rows, ignore_conflicts=True, batch_size=DROPPED_FILES)
    batches = (rows[begin : begin + DROPPED_FILES] for begin in _starts(rows))
    return {place for batch in batches for place in _kept(batch)}


def _starts(many: Sequence[object]) -> range:
    return range(0, len(many), DROPPED_FILES)


def _kept(rows: Sequence[KeptFile]) -> Iterable[tuple[str, str]]:
    """Return the places that are kept among these; the contents count as used now."""
    same = KeptFile.objects.filter(sha256__in={one.sha256 for one in rows})
    same.update(used_at=now())
    mine = same.filter(location__in=[one.location for one in rows])
    return mine.values_list("storage", "location")


def pinned(peer: str, file: FileDescription) -> Source | None:
    """Return where the same content is kept, and keep it while it is copied; or None."""
    same = KeptFile.objects.filter(peer=peer, sha256=file.sha256, size=file.size)
    until = now() + timedelta(seconds=PIN_SECONDS)
    if not same.update(pinned_until=until, used_at=now()):
        return None
    found = same.first()
    return None if found is None else _source(found)


def _source(kept: KeptFile) -> Source:
    opened = partial(stores.storage(kept.storage).open, kept.location, "rb")
    return Source(open=opened, storage=kept.storage, location=kept.location)


def prune() -> int:
    """Drop what was not used for too long, and the oldest of what is too much; return how many."""
    return drop(expired()[:DROPPED_FILES]) + drop(_excess())


def expired() -> KeptFileQuerySet:
    """Return the contents that were not used for too long."""
    since = now() - timedelta(seconds=settings().keep_files)
    return KeptFile.objects.oldest().filter(used_at__lte=since)


DUTY = Duty(name="prune kept files", do=prune, every=60.0, batch=DROPPED_FILES)


def _excess() -> KeptFileQuerySet:
    """Return the oldest contents that exceed the sum, or fill a disk."""
    total = KeptFile.objects.aggregate(total=Sum("size"))["total"] or 0
    excess = max(total - settings().max_kept, min(total, _lacking()))
    chosen: list[int] = []
    for pk, size in KeptFile.objects.oldest().values_list("pk", "size")[:DROPPED_FILES]:
        if excess <= 0:
            break
        chosen.append(pk)
        excess -= size
    return KeptFile.objects.filter(pk__in=chosen)


def _lacking() -> int:
    """Return how many bytes the disk of the storage has less than shall stay free."""
    storage = stores.storage(settings().storage)
    if not isinstance(storage, FileSystemStorage) or not Path(storage.location).exists():
        return 0
    return settings().min_free - shutil.disk_usage(storage.location).free


def drop(files: KeptFileQuerySet) -> int:
    """Have kept contents deleted after the commit, unless they are pinned; return how many."""
    chosen = list(files.values_list("pk", flat=True))
    if not chosen:
        return 0
    with database.atomic():
        locked = KeptFile.objects.unpinned().filter(pk__in=chosen).select_for_update()
        found = list(locked.values_list("pk", "storage", "location"))
        mark((alias, location) for _, alias, location in found)
        KeptFile.objects.filter(pk__in=[pk for pk, *_ in found]).delete()
    return len(found)


def drop_all(*, is_all: bool = True) -> int:
    """Have kept contents deleted that are not pinned: all, or those that are too old."""
    total = 0
    while count := drop(droppable(is_all=is_all)[:DROPPED_FILES]):
        total += count
    return total


def droppable(*, is_all: bool) -> KeptFileQuerySet:
    """Return the contents that nobody copies: all, or those that are too old."""
    return KeptFile.objects.oldest() if is_all else expired()

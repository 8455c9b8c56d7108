"""The files of jobs, by storage: how many, how large, and which nothing uses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Min, Sum

from offload.files.collection import unused
from offload.fleet.snapshots import now
from offload.models import Delivery, DyingFile, FileTransfer, KeptFile, Payload, PayloadFile

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from offload.models.payloads import PayloadFileQuerySet


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The files of jobs in one storage."""

    storage: str
    files: int
    bytes: int
    #: Outputs that nobody will see, and that are still to be dropped.
    unused_files: int
    unused_bytes: int
    #: Files that are to be deleted, since when the oldest is, and how many deletions failed.
    #: Contents that no job uses, kept because another cluster may send them again.
    kept_files: int
    kept_bytes: int
    dying: int
    dying_since: datetime | None
    failing: int
    #: The error of one failed deletion.
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadLine:
    """One payload: the files of a job, or of all jobs of a run."""

    id: str
    storage: str
    created_at: datetime
    jobs: int
    files: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """Outputs that were not delivered: how many, and the latest of them."""

    count: int
    job_id: str = ""
    error: str = ""


def failed_transfers() -> Undelivered:
    """Return the files that could not be carried between clusters within the last day."""
    since = now() - timedelta(days=1)
    failed = FileTransfer.objects.failed().filter(finished_at__gte=since).exclude(error="")
    last = failed.order_by("-finished_at").first()
    if last is None:
        return Undelivered(count=0)
    return Undelivered(count=failed.count(), job_id=last.job_id, error=last.error)


def failing_deliveries() -> Undelivered:
    """Return the deliveries that failed and are tried again."""
    return _undelivered(Delivery.objects.failing())


def lost_deliveries() -> Undelivered:
    """Return the deliveries that cannot be made, of jobs that are still there."""
    return _undelivered(Delivery.objects.given_up())


def _undelivered(rows: QuerySet[Delivery]) -> Undelivered:
    last = rows.order_by("pk").last()
    if last is None:
        return Undelivered(count=0)
    error = last.error.rstrip(".")
    return Undelivered(count=rows.count(), job_id=last.job_id, error=error)


def stocks() -> tuple[Stock, ...]:
    """Return the files of jobs in each storage that has any."""
    used, vain = _sums(PayloadFile.objects.all()), _sums(unused())
    dying, left = deletions(), _kept()
    return tuple(
        Stock(
            storage=alias,
            files=used.get(alias, (0, 0))[0],
            bytes=used.get(alias, (0, 0))[1],
            unused_files=vain.get(alias, (0, 0))[0],
            unused_bytes=vain.get(alias, (0, 0))[1],
            kept_files=left.get(alias, (0, 0))[0],
            kept_bytes=left.get(alias, (0, 0))[1],
            **dying.get(alias, NONE_DYING),
        )
        for alias in sorted({*used, *dying, *left})
    )


NONE_DYING: dict[str, Any] = {"dying": 0, "dying_since": None, "failing": 0, "error": ""}


def _kept() -> dict[str, tuple[int, int]]:
    found = KeptFile.objects.values("storage").annotate(count=Count("pk"), total=Sum("size"))
    return {one["storage"]: (one["count"], one["total"] or 0) for one in found.order_by()}


def _sums(files: PayloadFileQuerySet) -> dict[str, tuple[int, int]]:
    found = files.values("payload__storage").annotate(count=Count("pk"), total=Sum("size"))
    return {one["payload__storage"]: (one["count"], one["total"] or 0) for one in found.order_by()}


def deletions() -> dict[str, dict[str, Any]]:
    """Return the files to be deleted by storage, as the fields of a Stock."""
    found = DyingFile.objects.values("storage").annotate(dying=Count("pk"), since=Min("since"))
    made = {
        one["storage"]: {**NONE_DYING, "dying": one["dying"], "dying_since": one["since"]}
        for one in found.order_by()
    }
    for row in DyingFile.objects.failing().order_by("pk")[:1_000]:
        line = made.setdefault(row.storage, dict(NONE_DYING))
        line.update(failing=line["failing"] + 1, error=row.error)
    return made


def largest(limit: int) -> list[PayloadLine]:
    """Return the payloads with the most bytes."""
    rows = Payload.objects.annotate(
        count=Count("files", distinct=True), total=Sum("files__size", default=0)
    ).order_by("-total", "pk")[:limit]
    return [
        PayloadLine(
            id=str(row.pk),
            storage=row.storage,
            created_at=row.created_at,
            jobs=row.jobs.count(),
            files=row.count,
            bytes=row.total,
        )
        for row in rows
    ]


def exists(payload: str) -> bool:
    """Return whether there is a payload with this id."""
    return Payload.objects.filter(pk=payload).exists()


def stored(storage: str | None, payload: str | None) -> PayloadFileQuerySet:
    """Return the files of a storage and a payload; None stands for all."""
    found = PayloadFile.objects.all()
    found = found.filter(payload__storage=storage) if storage else found
    return found.filter(payload=payload) if payload else found

"""Deletion of ended jobs, with everything that was theirs alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q

from offload.core.workflows.run_states import RunState
from offload.db import database
from offload.files.collection import mark
from offload.files.transfers import kept
from offload.models import Dependency, Job, Join, Payload, PayloadFile, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from offload.files.transfers.kept import Travelled


def forget(ids: Sequence[str]) -> None:
    """Delete final jobs and what was theirs alone: outputs, payload, run, fired joins."""
    mine = Payload.objects.filter(Q(jobs__in=ids) | Q(runs__jobs__in=ids))
    payloads = set(mine.values_list("pk", flat=True))
    runs = set(Job.objects.ids(ids).exclude(run=None).values_list("run_id", flat=True))
    with database.atomic():
        # First, because the rows with the locations of their outputs are deleted with the jobs.
        known = kept.travelled(ids)
        outputs = PayloadFile.objects.filter(job__in=ids)
        places = _places(outputs) - kept.keep(outputs, known)
        Job.objects.filter(pk__in=ids).delete()
        _drop_joins(ids)
        Run.objects.filter(pk__in=runs, jobs=None).exclude(state=RunState.RUNNING).delete()
        places |= _drop_unused(Payload.objects.filter(pk__in=payloads, jobs=None), known)
        mark(sorted(places))


def _drop_joins(job_ids: Sequence[str]) -> None:
    """Delete fired joins of these jobs once none of their members, nor their body, has a row."""
    theirs = Join.objects.filter(
        Q(pk__in=Dependency.objects.filter(needs__in=job_ids).values("join"))
        | Q(body_id__in=job_ids),
        fired=True,
    )
    members = Job.objects.filter(
        pk__in=Dependency.objects.filter(join=OuterRef(OuterRef("pk"))).values("needs")
    )
    body = Job.objects.filter(pk=OuterRef("body_id"))
    unused = theirs.exclude(Exists(members)).exclude(Exists(body))
    Join.objects.filter(pk__in=list(unused.values_list("pk", flat=True))).delete()


def _drop_unused(unused: QuerySet[Payload], known: Travelled) -> set[tuple[str, str]]:
    """Delete payloads without a job, and their runs; return the files that are not kept."""
    files = PayloadFile.objects.filter(payload__in=unused)
    places = _places(files) - kept.keep(files, known)
    for payload in list(unused):
        payload.runs.all().delete()
        payload.delete()
    return places


def _places(files: QuerySet[PayloadFile]) -> set[tuple[str, str]]:
    return set(files.values_list("payload__storage", "location"))

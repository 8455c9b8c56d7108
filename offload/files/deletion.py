"""Deletion of jobs that have ended, with what was theirs alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q

from offload.db import database
from offload.files.storing import remove, remove_folder
from offload.models import Dependency, Job, Join, Payload, PayloadFile, Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import QuerySet


def forget(ids: Sequence[str]) -> None:
    """Delete final jobs, and what was theirs alone: outputs, payload, run, fired joins."""
    mine = Payload.objects.filter(Q(jobs__in=ids) | Q(runs__jobs__in=ids))
    payloads = set(mine.values_list("pk", flat=True))
    runs = set(Job.objects.ids(ids).exclude(run=None).values_list("run_id", flat=True))
    with database.atomic():
        # Before the jobs go: the rows that say where their outputs lie go with them.
        places = _places(PayloadFile.objects.filter(job__in=ids))
        Job.objects.filter(pk__in=ids).delete()
        _drop_joins(ids)
        Run.objects.filter(pk__in=runs, jobs=None).delete()
        unused = Payload.objects.filter(pk__in=payloads, jobs=None)
        folders = set(unused.values_list("storage", "pk"))
        places |= _drop_unused(unused)
        database.on_commit(lambda: _delete(places, folders))


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


def _drop_unused(unused: QuerySet[Payload]) -> set[tuple[str, str]]:
    """Delete payloads that no job has any more, with their runs; return where files lie."""
    places = _places(PayloadFile.objects.filter(payload__in=unused))
    for payload in list(unused):
        payload.runs.all().delete()
        payload.delete()
    return places


def _places(files: QuerySet[PayloadFile]) -> set[tuple[str, str]]:
    return set(files.values_list("payload__storage", "location"))


def _delete(places: Iterable[tuple[str, str]], folders: Iterable[tuple[str, str]]) -> None:
    for alias, location in places:
        remove(alias, [location])
    for alias, folder in folders:
        remove_folder(alias, folder)

"""The version of a job's page: changes with the page, and is cheaper to poll."""

from __future__ import annotations

from django.db.models import OuterRef, Q, Subquery

from offload.core.states import FINAL
from offload.core.texts import version_of
from offload.fleet.snapshots import snapshot
from offload.models import AttemptLog, Job
from offload.reading.cluster import instance_rows
from offload.reading.jobs.steps import STEPS_SHOWN
from offload.tracking.queries import loads_by_instance

MINUTE_SECONDS = 60
#: The columns that show that a job has changed.
VERSION_FIELDS = (
    "pk", "state", "hold", "epoch", "attempts", "instance", "run_at", "stop_requested", "progress",
)  # fmt: skip
#: The number of lines that the latest attempt with a log has.
LOGGED = AttemptLog.objects.filter(job=OuterRef("pk")).order_by("-epoch").values("count")[:1]


def page_version(job_id: str) -> str:
    """Return a text that changes with the job, its run, or who could run it."""
    found = Job.objects.filter(Q(pk=job_id) | Q(run__isnull=False, run__jobs=job_id))
    shown = found.annotate(logged=Subquery(LOGGED)).order_by("pk")
    rows = list(shown.values_list(*VERSION_FIELDS, "logged")[: STEPS_SHOWN + 1])
    waits = any(row[0] == job_id and row[1] not in FINAL for row in rows)
    return version_of((rows, _chances() if waits else ()))


def _chances() -> tuple[object, ...]:
    """Return the facts that decide who can run a job; the silence of instances by the minute."""
    silent = {name: int(age // MINUTE_SECONDS) for name, age in instance_rows.silent().items()}
    return snapshot(fresh=True).version, loads_by_instance(), silent

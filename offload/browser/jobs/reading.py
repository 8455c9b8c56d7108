"""The facts on a job's page, read from the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Case, F, Q, When

from offload.browser import values
from offload.browser.jobs import job_page
from offload.core.progress import Progress
from offload.core.states import FINAL, JobState
from offload.core.texts import version_of
from offload.fleet.snapshots import snapshot
from offload.models import Job, Join, Kind
from offload.models.fields import JsonText
from offload.reading import history, steps
from offload.reading.explain import explain_job
from offload.tracking.queries import loads_by_instance

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Steps of a run that are shown.
STEPS_SHOWN = 200
#: What shows that a job has moved on.
PULSE_FIELDS = (
    "pk", "state", "hold", "epoch", "attempts", "instance", "run_at", "stop_requested", "progress",
)  # fmt: skip


def find(job_id: str) -> Job | None:
    """Return the job with its run and payload, or None."""
    job: Job | None = Job.objects.select_related("run", "payload").filter(pk=job_id).first()
    return job


def pulse(job_id: str) -> str:
    """Return a text that differs where the job, its run or its chances do."""
    found = Job.objects.filter(Q(pk=job_id) | Q(run__isnull=False, run__jobs=job_id))
    rows = list(found.order_by("pk").values_list(*PULSE_FIELDS)[: STEPS_SHOWN + 1])
    waits = any(row[0] == job_id and row[1] not in FINAL for row in rows)
    chances = (snapshot(fresh=True).version, loads_by_instance()) if waits else ()
    return version_of((rows, chances))


def page(job: Job, *, unsealed: bool) -> job_page.JobPage:
    """Return the page of a job; `unsealed` shows what it works on and what came of it."""
    rows = _steps(job)
    return job_page.JobPage(
        id=job.pk,
        topic=job.topic,
        task=job.task,
        queue=job.queue,
        priority=job.priority,
        state=job.job_state,
        hold=job.hold,
        is_relay=job.kind == Kind.RELAY,
        instance=job.instance,
        attempt_count=job.attempts,
        failures=job.failures,
        crashes=job.crashes,
        refusals=job.refusals,
        stop_requested=job.stop_requested,
        stop_forced=job.stop_forced,
        is_handed_over=job.is_handed_over,
        error_type=job.error_type,
        error=job.error,
        moments=_moments(job),
        workflow=job.run.workflow if job.run else "",
        run_id=job.run_id or "",
        parent_id=job.parent_id,
        retry_of=job.retry_of_id or "",
        retried_as=history.retried_as(job),
        progress=Progress.read(job.progress),
        attempts=history.attempts(job),
        steps=(*(_step(row, job) for row in rows[:STEPS_SHOWN]), *_waiting(job, rows)),
        has_more_steps=len(rows) > STEPS_SHOWN,
        files=history.files(job),
        explanation=None if job.is_finished or job.kind == Kind.RELAY else explain_job(job),
        sealed=_sealed(job) if unsealed else None,
    )


def _moments(job: Job) -> job_page.Moments:
    return job_page.Moments(
        submitted=job.created_at,
        due=job.run_at,
        bound=job.bound_at,
        started=job.started_at,
        finished=job.finished_at,
        expires=job.expires_at,
    )


def _steps(job: Job) -> list[Any]:
    """Return the jobs of its run, or those that followed it; tails only of those not ended."""
    family = Q(run=job.run_id) if job.run_id else Q(pk=job.pk) | Q(parent_id=job.pk)
    tail = Case(When(~Q(state__in=FINAL), then=F("tail")), output_field=JsonText(null=True))
    light = Job.objects.filter(family).annotate(open_tail=tail).order_by("created_at", "pk")
    return list(
        light.only("topic", "state", "instance", "attempts", "started_at", "finished_at")[
            : STEPS_SHOWN + 1
        ]
    )


def _step(row: Any, job: Job) -> steps.Step:
    return steps.Step(
        topic=row.topic,
        id=row.pk,
        state=JobState(row.state),
        instance=row.instance,
        attempts=row.attempts,
        started_at=row.started_at,
        finished_at=row.finished_at,
        is_this=row.pk == job.pk,
    )


def _waiting(job: Job, rows: Sequence[Any]) -> tuple[steps.Step, ...]:
    if all(row.state in FINAL for row in rows):
        return ()
    known = {row.pk for row in rows}
    tails = [row.open_tail for row in rows if row.open_tail]
    members = Job.objects.filter(run=job.run_id).values("pk") if job.run_id else [job.pk]
    open_joins = Join.objects.filter(fired=False, dependencies__needs__in=members).distinct()
    return steps.waiting(tails, [row.body for row in open_joins[:STEPS_SHOWN]], known)


def _sealed(job: Job) -> job_page.Sealed:
    return job_page.Sealed(
        args=values.text_of(job.args),
        properties=values.text_of(job.properties),
        result=values.text_of(job.result),
        traceback=values.shortened(job.traceback),
    )

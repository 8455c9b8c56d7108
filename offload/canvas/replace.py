"""``self.replace()``: a canvas takes the place of a job, and its last node fills the row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import signature

from offload.canvas.batches import gathering
from offload.canvas.following import joins
from offload.canvas.following.submitting import applied
from offload.canvas.freezing.context import coming_from
from offload.canvas.freezing.origins import of_job
from offload.core.states import JobState
from offload.messaging.installation import celery_app
from offload.models import Job
from offload.tracking import replacements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.attempt_key import AttemptKey


def replaced(key: AttemptKey, canvas: Mapping[str, Any]) -> JobState | None:
    """Let a job wait for the canvas in its place; inside the transaction that ends the attempt.

    Return PENDING, or STOPPED where that was requested, or None for a stale attempt. A canvas
    that cannot be submitted ends the job with the error.
    """
    state = replacements.replaced(key)
    if state is not JobState.PENDING:
        return state
    job = Job.objects.get(pk=key.job_id)
    app = celery_app()
    with coming_from(of_job(job)), gathering():
        successor = signature(dict(canvas), app=app)
        joins.parts(app, applied(app, successor))
    return state

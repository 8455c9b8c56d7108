"""Jobs as JSON for programs; the keys are stable."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from offload.core.progress import Progress
from offload.management.arguments import times
from offload.queues import own_retries
from offload.reading import transfers
from offload.reading.jobs import history, logs
from offload.reading.waiting.explain import explain_job

if TYPE_CHECKING:
    from offload.core.job_log import LogLine
    from offload.models import Delivery, Job, PayloadFile
    from offload.reading.jobs.history import AttemptLine
    from offload.reading.jobs.logs import AttemptLines
    from offload.reading.waiting.explanation import Explanation


def job_facts(job: Job) -> dict[str, Any]:
    """Return the facts about a job in a list."""
    return {
        "id": job.pk,
        "topic": job.topic,
        "queue": job.queue,
        "key": job.key,
        "state": job.state,
        "instance": job.instance,
        "cluster": job.peer,
        "home": job.home,
        "priority": job.priority,
        "attempts": job.attempts,
        "failures": job.failures,
        "crashes": job.crashes,
        "stop_requested": job.stop_requested,
        "submitted": job.created_at,
        "not_before": job.run_at,
        "expires": job.expires_at,
        "started": job.started_at,
        "handed_until": job.handed_until,
        "finished": job.finished_at,
        "took": times.run_time(job),
        "progress": known.as_dict() if (known := Progress.read(job.progress)) else None,
        "error_type": job.error_type,
        "error": job.error,
    }


def whole_job(job: Job, explanation: Explanation | None = None) -> dict[str, Any]:
    """Return all facts about a job."""
    files = history.files(job)
    return {
        **job_facts(job),
        "properties": job.properties,
        "result": job.result,
        "traceback": job.traceback,
        "run": job.run_id,
        "retry_of": job.retry_of_id,
        "own_retries": job.options.get(own_retries.RETRY_OPTION),
        "tried": [attempt_facts(one) for one in history.attempts(job)],
        "steps": [job_facts(one) for one in history.steps(job)],
        "inputs": [file_facts(one) for one in files if not one.is_output],
        "outputs": [file_facts(one) for one in files if one.is_output],
        "deliveries": [delivery_facts(one) for one in history.deliveries(job)],
        "log": [line_facts(one, line) for one in logs.of(job.pk) for line in one.lines],
        "transfers": [asdict(one) for one in transfers.of_job(job)],
        "explanation": (explanation or explain_job(job)).as_dict(),
    }


def attempt_facts(attempt: AttemptLine) -> dict[str, Any]:
    """Return the facts about an attempt."""
    return {
        "number": attempt.number,
        "epoch": attempt.epoch,
        "instance": attempt.instance,
        "started": attempt.started_at,
        "ended": attempt.ended_at,
        "seconds": attempt.seconds,
        "outcome": attempt.outcome,
        "error": attempt.error,
        "raised": attempt.raised,
    }


def line_facts(attempt: AttemptLines, line: LogLine) -> dict[str, Any]:
    """Return the facts about a line of a log."""
    return {"epoch": attempt.epoch, **asdict(line)}


def delivery_facts(delivery: Delivery) -> dict[str, Any]:
    """Return the facts about a delivery of an output."""
    return {
        "name": delivery.name,
        "to": delivery.target,
        "location": delivery.location,
        "state": delivery.state,
        "due": delivery.due_at,
        "delivered": delivery.delivered_at,
        "failures": delivery.failures,
        "error": delivery.error,
    }


def file_facts(file: PayloadFile) -> dict[str, Any]:
    """Return the facts about a file."""
    return {
        "name": file.name,
        "bytes": file.size,
        "media_type": file.media_type,
        "sha256": file.sha256,
        "location": file.location,
    }

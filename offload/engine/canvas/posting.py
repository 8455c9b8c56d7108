"""Plain Celery tasks of a canvas on their way to the broker, once their rows are committed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kombu.exceptions import KombuError

from offload.engine.installation import celery_app
from offload.engine.publisher import breaker
from offload.engine.tracking import relays

if TYPE_CHECKING:
    from collections.abc import Sequence

    from celery import Celery

    from offload.models import Job

logger = logging.getLogger("offload.canvas")


def post(job_ids: Sequence[str]) -> int:
    """Publish those relays that were not yet, as Celery would have; return how many.

    Never raises for a broker that is out of reach: the sweep posts what is left behind, so
    a task is published once or, if its note was lost, again under the same id.
    """
    count = 0
    for job in relays.unsent(job_ids):
        if breaker.is_open:
            break
        count += _post(celery_app(), job)
    return count


def _post(app: Celery, job: Job) -> bool:
    try:
        _publish(app, job)
    except (KombuError, OSError) as error:
        breaker.trip()
        logger.warning("task %s [%s] is stored and not sent yet: %s", job.task, job.pk, error)
        return False
    except Exception as error:
        logger.exception("task %s [%s] cannot be sent", job.task, job.pk)
        relays.mark_unsent(job.pk, f"{type(error).__name__}: {error}")
        return False
    relays.mark_sent(job.pk)
    return True


def _publish(app: Celery, job: Job) -> None:
    options = {**job.options, "task_id": job.pk, "retry": False, "add_to_parent": False}
    stock = getattr(app.send_task, "stock", app.send_task)
    stock(job.task, job.args, job.properties, **options)

"""Facts that a task adds to its result, as django-celery-results lets it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django_celery_results.models import TaskResult

from offload.db import database
from offload.testing import run_jobs
from offload.worker.tasks.task import OffloadTask
from tests.integration.driving.tasks import define

if TYPE_CHECKING:
    from celery import Celery

SEEN: dict[str, Any] = {"pages": []}


def count(self: Any, page: int) -> None:
    """Add to facts that runs of one process share."""
    SEEN["pages"].append(page)
    self.request.meta = SEEN


def test_facts_that_are_changed_in_place_are_stored_as_they_are(app: Celery) -> None:
    # No other result is stored in between.
    tracked, app.conf.task_track_started = app.conf.task_track_started, False
    SEEN["pages"].clear()
    task = define(
        app, count, name="facts.count", base=OffloadTask, bind=True, topic="facts/count",
        pattern="facts/count",
    )  # fmt: skip
    ids = []
    for page in (1, 2):
        ids.append(task.delay(page=page).id)
        run_jobs()

    metas = [TaskResult.objects.using(database.alias()).get(task_id=one).meta for one in ids]
    app.tasks.pop("facts.count")
    app.conf.task_track_started = tracked

    assert [json.loads(one)["pages"] for one in metas] == [[1], [1, 2]]

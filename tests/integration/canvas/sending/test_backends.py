"""Result backends hear of every result to expect, and keep no job back."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

from offload.dispatch import subscribing
from offload.messaging.installation import current_installation
from offload.models import Job
from tests.integration.canvas.sending.messages import only

if TYPE_CHECKING:
    import pytest
    from celery import Celery

    from tests.integration.driving.tasks import Named


def test_the_backend_is_told_of_every_result_to_expect(
    app: Celery, job: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    kind = type(app.backend)
    monkeypatch.setattr(kind, "on_task_call", lambda self, producer, task_id: told.append(task_id))

    result = job.add.delay(1)
    job.add.apply_async((1,), ignore_result=True)

    assert told == [result.id]


def test_a_backend_out_of_reach_keeps_no_job_back(
    app: Celery, job: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Any, producer: Any, task_id: str) -> None:
        raise ConnectionError("no backend")

    monkeypatch.setattr(type(app.backend), "on_task_call", refuse)

    job.add.delay(1)

    assert only().topic == "jobs/add"
    assert current_installation.to_replies.is_open


def test_a_backend_that_stands_still_keeps_no_job_back(
    app: Celery, job: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    going_on = threading.Event()
    monkeypatch.setattr(subscribing, "SUBSCRIBE_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(type(app.backend), "on_task_call", lambda *_: going_on.wait(60))
    begun = monotonic()

    job.add.delay(1)
    job.add.delay(2)

    going_on.set()
    assert monotonic() - begun < 30
    assert Job.objects.count() == 2
    assert current_installation.to_replies.is_open


def test_each_thread_has_a_backend_that_counts_for_us(app: Celery) -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(app.backend.apply_chord))
    thread.start()
    thread.join()

    assert found[0].__self__.__class__.__name__ == "Chords"

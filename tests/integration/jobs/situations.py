"""Jobs that were handed over, queues, and results that are kept elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
from celery import Celery

from offload.canvas import hooks
from offload.core.retries import RetryDecision
from offload.core.states import JobState
from offload.jobs import async_completion, endings
from offload.messaging import installation
from offload.results import task_results
from tests.apps import forget_consumers
from tests.integration.world import Running, running

NEXT = {"chain": [{"task": "dam.next", "args": [], "kwargs": {}, "options": {"task_id": "next"}}]}

AGAIN = RetryDecision(state=JobState.PENDING, delay=30.0, failures=1, crashes=0, reason="again")


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the ends that something followed, in place of the canvas."""
    found: list[Any] = []
    monkeypatch.setattr("offload.canvas.following.tail.follow", found.append)
    return found


def handed(timeout: float = 3600, **facts: Any) -> tuple[Running, str]:
    """Return a job that was handed over, and its token."""
    run = running(**facts)
    assert endings.hand_over(run.ending, timeout) is JobState.ACTIVE
    return run, async_completion.token_of(run.key)


@pytest.fixture
def elsewhere(app: Celery) -> Celery:
    """Install an app whose results are not in the job's database."""
    other = Celery("elsewhere", broker="memory://", backend="cache+memory://", set_as_current=False)
    hooks.install(other)
    forget_consumers(other)
    installation.remember(other, module=__name__)
    task_results.in_transaction.cache_clear()
    return other


def broken(*_: object) -> None:
    raise RuntimeError("broken")

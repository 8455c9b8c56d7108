"""Fixtures of this room's tests: a run that starts programs, in a scratch folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import override_settings

from offload.files import scratch
from offload.worker.programs import running as programs
from offload.worker.tasks.current_job import CurrentJob
from tests.integration.world import HERE, join, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from celery import Celery

from tests.integration.fixtures import _app, alarms, app, broker, changes, media

__all__ = ["_app", "alarms", "app", "broker", "changes", "media"]


@pytest.fixture(autouse=True)
def _fast(
    app: Celery, media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    join()
    monkeypatch.setattr(programs, "PACE_SECONDS", 0.1)
    given = {**settings.OFFLOAD, "SCRATCH": str(tmp_path)}
    with override_settings(OFFLOAD=given):
        yield
        assert list(scratch.root().iterdir()) == []


@pytest.fixture
def job() -> Iterator[CurrentJob]:
    """Return a job that runs, whose scratch folder is removed as its run ends."""
    found = running(payload_id=None)
    job = CurrentJob(
        id=found.id,
        topic=found.claimed.topic,
        epoch=found.key.epoch,
        attempt=1,
        attempt_key=found.key,
        instance=HERE,
        claimed=found.claimed,
    )
    yield job
    job.scratch.remove()

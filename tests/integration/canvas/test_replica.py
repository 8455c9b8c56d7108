"""A site whose router sends reads to a replica, which lags: offload asks its own database."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import pytest
from celery import chord
from django.core.management import call_command
from django.db import connections

import offload
from offload.files import retention
from offload.models import Job
from offload.testing import run_jobs
from tests.databases import DatabaseRouter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model
    from pytest_django import Settings

    from tests.integration.driving.tasks import Named


class Lagging(DatabaseRouter):
    """Sends every read of offload's rows to a replica, which has none."""

    def db_for_read(self, model: type[Model], **hints: object) -> str | None:
        """Return the replica."""
        is_ours = model._meta.app_label == "offload"
        return "replica" if is_ours else super().db_for_read(model, **hints)

    def db_for_write(self, model: type[Model], **hints: object) -> str | None:
        """Return the database that a test chose."""
        return super().db_for_read(model, **hints)

    def allow_relation(self, *_: object, **__: object) -> bool:
        """Let rows of both be related."""
        return True


@pytest.fixture(autouse=True)
def _replica(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the site a replica that has no tables: what is asked of it fails."""
    empty = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
    known = connections.configure_settings(empty)["default"]
    monkeypatch.setitem(connections.settings, "replica", known)
    settings.DATABASE_ROUTERS = [f"{__name__}.{Lagging.__name__}"]
    yield
    connections["replica"].close()
    del connections["replica"]


def test_nothing_of_a_job_is_asked_of_a_replica(job: Named) -> None:
    result = chord([job.add.s(1, 1), job.add.s(2, 2)], job.total.s()).apply_async()
    failed = job.fail.delay()

    run_jobs()

    assert offload.JobHandle(result.id).result(timeout=5) == 6
    assert Job.objects.get(pk=failed.id).is_finished
    assert retention.purge() == 0


@pytest.mark.parametrize("verb", ["status", "topics", "jobs", "instances", "queues", "rules"])
def test_no_verb_asks_a_replica(job: Named, verb: str) -> None:
    job.add.delay(1, 1)
    out = StringIO()

    call_command("offload", verb, "--json", stdout=out)

    assert out.getvalue()

"""Joins and rows of plain tasks go with the history they belong to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from celery import chain, chord, group
from django.db.models import F

from offload.files import retention
from offload.fleet.snapshots import forget
from offload.models import Dependency, Job, Join, Queue

if TYPE_CHECKING:
    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named


@pytest.fixture(autouse=True)
def _kept_for_a_day(database_alias: str) -> None:
    Queue.objects.create(name="jobs", topics=["jobs/**"], retention_days=1)
    Queue.objects.create(name="plain", topics=["celery/**"], retention_days=1)
    forget()


def age(**which: object) -> None:
    """Let jobs have ended two days ago."""
    Job.objects.filter(**which).update(finished_at=F("finished_at") - timedelta(days=2))


def test_rows_of_plain_tasks_follow_the_queue_of_their_topic(
    job: Named, plain: Named, driver: Driver
) -> None:
    chain(job.add.s(1, 1), plain.add.s(1)).apply_async()
    chain(job.fail.s(), plain.add.s(1)).apply_async()
    driver.run_all()
    relays = Job.objects.filter(kind="relay")
    assert list(relays.values_list("queue", flat=True)) == ["plain", "plain"]
    age(kind="relay")

    assert retention.purge() == 2

    assert not relays.exists()
    assert Job.objects.count() == 2


def test_a_join_goes_once_neither_members_nor_body_have_a_row(
    job: Named, plain: Named, driver: Driver
) -> None:
    body = chord([job.add.s(1, 1), plain.add.s(2, 2)], job.total.s()).apply_async()
    driver.run_all()
    assert Join.objects.get().body_id == body.id

    age(topic="jobs/add")
    assert retention.purge() == 1
    assert Join.objects.count() == 1
    age(pk=body.id)
    assert retention.purge() == 1
    assert Join.objects.count() == 1
    age(kind="relay")
    assert retention.purge() == 1

    assert not Join.objects.exists()
    assert not Dependency.objects.exists()


def test_a_join_whose_members_have_no_rows_goes_with_its_body(
    job: Named, plain: Named, driver: Driver
) -> None:
    header = group(chain(plain.add.si(number), plain.add.s(1)) for number in (1, 2))
    result = chain(job.add.s(1, 1), chord(header, job.total.s())).apply_async()
    driver.run_all()
    assert Job.objects.get(pk=result.id).state == "SUCCEEDED"
    assert Join.objects.get().fired
    age()

    retention.purge()
    retention.purge()

    assert not Job.objects.exists()
    assert not Join.objects.exists()


def test_a_join_that_has_not_fired_stays(job: Named, driver: Driver) -> None:
    chord([job.add.s(1, 1), job.same.s(2)], job.total.s()).apply_async()
    driver.run(Job.objects.get(topic="jobs/add").pk)
    age(topic="jobs/add")

    assert retention.purge() == 1
    assert Join.objects.get().fired is False
    driver.run_all()
    assert Job.objects.get(topic="jobs/total").state == "SUCCEEDED"

"""Which calls are jobs: by their task, or by what other instances have announced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, signature

from offload.core.exceptions import InvalidTopic
from offload.models import Job
from offload.worker.tasks.task import ConsumerTask
from tests.integration.canvas.sending.messages import only, queued
from tests.integration.driving import tasks

if TYPE_CHECKING:
    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named


@pytest.mark.usefixtures("elsewhere")
def test_a_name_known_elsewhere_only_is_a_job(app: Celery) -> None:
    app.send_task("far.away", (1,))
    signature("far.away", (2,), app=app).apply_async()

    assert [row.topic for row in Job.objects.all()] == ["far/away", "far/away"]
    assert queued(app) == 0


@pytest.mark.usefixtures("elsewhere")
def test_a_step_known_elsewhere_only_stays_in_the_chain(
    app: Celery, job: Named, driver: Driver
) -> None:
    chain(job.add.s(1), signature("far.away", app=app)).apply_async()

    driver.run_next()

    assert Job.objects.exclude(task="jobs.add").get().topic == "far/away"


@pytest.mark.usefixtures("elsewhere")
def test_a_consumer_of_many_topics_cannot_be_called_by_its_name(app: Celery) -> None:
    with pytest.raises(InvalidTopic, match="must name the topic"):
        app.send_task("far.many")

    app.send_task("far.many", offload_topic="far/one")
    assert (only().topic, only().task) == ("far/one", "far.many")


def test_a_registered_consumer_of_many_topics_names_them(app: Celery) -> None:
    def many(job: Any) -> None:
        """Do nothing."""

    task = tasks.define(app, many, name="many", base=ConsumerTask, pattern="many/*")
    try:
        with pytest.raises(InvalidTopic):
            app.send_task(task.name)
        app.send_task(task.name, offload_topic="many/one")
    finally:
        app.tasks.unregister("many")

    assert only().topic == "many/one"


def test_an_unknown_name_is_left_to_celery(app: Celery) -> None:
    app.send_task("nobody.knows", (1,))

    assert queued(app) == 1
    assert not Job.objects.exists()

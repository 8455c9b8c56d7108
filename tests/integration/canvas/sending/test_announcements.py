"""Celery's signals of a publish: sent where a job is submitted, and once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, signals

import offload
from offload.messaging import publisher
from offload.models import Job
from tests.integration.canvas.sending.messages import only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named


@pytest.fixture
def published() -> Iterator[list[tuple[str, str]]]:
    """Return which signals of a publish were sent, by which sender; a receiver adds a header."""
    found: list[tuple[str, str]] = []

    def before(sender: str, headers: dict[str, Any], properties: Any, **_: object) -> None:
        found.append(("before", sender))
        headers["trace"] = {"id": len(found)}
        properties["app_id"] = "shop"

    def after(sender: str, headers: Any, **_: object) -> None:
        assert headers["trace"]
        found.append(("after", sender))

    signals.before_task_publish.connect(before)
    signals.after_task_publish.connect(after)
    yield found
    signals.before_task_publish.disconnect(before)
    signals.after_task_publish.disconnect(after)


def test_celerys_signals_of_a_publish_are_sent_where_a_job_is_submitted(
    job: Named, driver: Driver, published: list[Any]
) -> None:
    job.add.apply_async((1,), headers={"tenant": "north"})

    assert published == [("before", "jobs.add"), ("after", "jobs.add")]
    assert only().options["headers"] == {"tenant": "north", "trace": {"id": 1}}
    assert only().options["properties"] == {"app_id": "shop"}


def test_nobody_hears_of_them_again_when_the_message_is_sent(
    app: Celery, job: Named, driver: Driver, published: list[Any]
) -> None:
    job.add.delay(1)
    published.clear()

    driver.claim(only().pk)
    with app.producer_pool.acquire() as producer:
        publisher._send(app, producer, bound_of(only()), "jobs.add")

    assert published == []
    assert received(app).headers["trace"] == {"id": 1}


def bound_of(row: Job) -> Any:
    """Return a row as a binding of it."""
    facts = {name: getattr(row, name) for name in ("args", "properties", "options", "failures")}
    return SimpleNamespace(
        **facts, id=row.pk, epoch=1, topic=row.topic, instance="here", incarnation="1",
        root_id="", parent_id="", is_limited=False,
    )  # fmt: skip


def received(app: Celery) -> Any:
    """Return the message that was sent to the instance."""
    with app.connection_for_read() as connection:
        return publisher.instance_queue("here")(connection.default_channel).get()


def test_they_are_sent_by_the_topic_where_that_is_all_that_is_known(
    job: Named, published: list[Any]
) -> None:
    offload.submit_many("far/away", [{}, {}])

    assert sorted(published) == [("after", "far/away")] * 2 + [("before", "far/away")] * 2
    ids = [row.options["headers"]["trace"]["id"] for row in Job.objects.order_by("id")]
    assert ids == [1, 2]


def test_they_are_sent_for_a_step_where_the_one_before_it_ends(
    job: Named, driver: Driver, published: list[Any]
) -> None:
    chain(job.add.s(1), job.same.s()).apply_async()
    published.clear()

    driver.run_next()

    assert published == [("before", "jobs.same"), ("after", "jobs.same")]

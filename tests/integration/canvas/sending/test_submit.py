"""Calls of jobs: rows instead of messages, with what Celery would have sent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from celery import chain
from celery.canvas import StampingVisitor  # type: ignore[attr-defined]
from django.db import transaction
from django.utils import timezone

from offload.canvas.freezing import context
from offload.db import database
from offload.models import Job
from tests.integration.canvas.sending.messages import only, queued
from tests.integration.driving import tasks

if TYPE_CHECKING:
    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named


def test_a_call_of_a_job_is_a_row_and_no_message(app: Celery, job: Named) -> None:
    result = job.add.delay(1, y=2)

    row = only()
    assert (row.pk, row.topic, row.task, row.kind) == (result.id, "jobs/add", "jobs.add", "job")
    assert (row.args, row.properties) == ([1], {"y": 2})
    assert (row.has_tail, row.tail, row.parent_id, row.root_id) == (False, None, "", "")
    assert queued(app) == 0


def test_a_call_of_a_plain_task_is_a_message_and_no_row(app: Celery, plain: Named) -> None:
    plain.add.delay(1, 2)

    assert queued(app) == 1
    assert not Job.objects.exists()


def test_a_rollback_leaves_no_job(job: Named) -> None:
    with database.atomic():
        job.add.delay(1)
        transaction.set_rollback(True, using=database.alias())

    assert not Job.objects.exists()


def test_stamps_stay_with_the_job(job: Named) -> None:
    class Visitor(StampingVisitor):  # type: ignore[misc, unused-ignore]
        def on_signature(self, sig: Any, **headers: Any) -> dict[str, Any]:
            return {"customer": "c1"}

    canvas = chain(job.add.s(1), job.add.s(2))
    canvas.stamp(Visitor())
    canvas.apply_async()

    options = only().options
    assert (options["customer"], options["stamped_headers"]) == ("c1", ["customer"])


def test_links_of_a_call_are_its_tail(job: Named) -> None:
    job.add.apply_async((1,), link=job.note.s(), link_error=[job.heard.s()])

    row = only()
    assert row.has_tail
    assert [one["task"] for one in row.tail["link"]] == ["jobs.note"]
    assert [one["task"] for one in row.tail["link_error"]] == ["jobs.heard"]


def test_a_job_submitted_by_a_job_is_its_child(job: Named) -> None:
    running = context.Running(id="parent", epoch=1, root_id="root")
    token = context.running.set(running)
    try:
        job.add.delay(1)
    finally:
        context.running.reset(token)

    assert (only().parent_id, only().root_id, only().run_id) == ("parent", "root", None)


def test_a_job_submitted_by_a_plain_task_is_its_child(
    app: Celery, job: Named, driver: Driver
) -> None:
    def submits() -> str:
        """Submit a job."""
        return str(job.add.delay(1))

    tasks.define(app, submits, name="outer")
    outer = app.send_task("outer")

    driver.run_plain()
    app.tasks.unregister("outer")

    assert (only().parent_id, only().root_id) == (outer.id, outer.id)
    children: Any = app.AsyncResult(outer.id).children
    assert [child.id for child in children] == [only().pk]


def test_what_is_sent_under_the_running_id_is_a_continuation(job: Named) -> None:
    running = context.Running(id="mine", epoch=1)
    token = context.running.set(running)
    try:
        job.add.apply_async(
            (5,), task_id="mine", countdown=3, retries=2, queue="elsewhere", priority=7,
            expires=60, time_limit=5, headers={"offload": {"id": "mine"}, "tenant": "north"},
        )  # fmt: skip
        found: Any = context.continuation()
    finally:
        context.running.reset(token)

    assert (found.args, found.kwargs, found.delay, found.retries) == ((5,), {}, 3.0, 2)
    assert found.expires_in == 60
    options = {name: found.options.get(name) for name in ("priority", "time_limit", "headers")}
    assert options == {"priority": 7, "time_limit": 5, "headers": {"tenant": "north"}}
    assert "queue" not in found.options
    assert not Job.objects.exists()


def test_a_retry_runs_on_the_fields_that_it_names(app: Celery, job: Named, driver: Driver) -> None:
    called = job.otherwise.apply_async(priority=2, app_id="shop")

    driver.run(called.id)

    row = only()
    assert (row.state, row.priority) == ("PENDING", 7)
    assert row.options["time_limit"] == 5
    assert row.options["properties"] == {"app_id": "shop"}
    assert timedelta(0) < row.expires_at - timezone.now() < timedelta(seconds=60)


def test_what_a_call_says_to_the_broker_stays_with_the_job(job: Named) -> None:
    job.add.apply_async((1,), app_id="shop", MessageGroupId="a", queue="q", delivery_mode=1)

    assert only().options["properties"] == {"app_id": "shop", "MessageGroupId": "a"}


def test_eager_calls_never_come_by(app: Celery, job: Named) -> None:
    app.conf.task_always_eager = True
    try:
        result = chain(job.add.s(1, 2), job.add.s(3)).apply_async()
    finally:
        app.conf.task_always_eager = False

    assert result.get() == 6
    assert not Job.objects.exists()

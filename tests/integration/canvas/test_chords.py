"""Chords of jobs and plain tasks: what they give their body, and what is stored of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord, group
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from offload.core.states import JobState
from offload.db import database
from offload.models import Dependency, Job, Join
from tests.integration.driving.fixtures import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named

both = pytest.mark.parametrize("app", BACKENDS, indirect=True)

#: Chords by name: given jobs and plain tasks they return a canvas, and what comes of it.
SHAPES: dict[str, tuple[Callable[[Any, Any], Any], Any]] = {
    "jobs": (lambda j, p: chord([j.add.s(1), j.add.s(2)], j.total.s()), 3),
    "one member": (lambda j, p: chord([j.add.s(1)], j.total.s()), 1),
    "plain body": (lambda j, p: chord([j.add.s(1), j.add.s(2)], p.total.s()), 3),
    "plain member": (lambda j, p: chord([j.add.s(1), p.add.s(2)], j.total.s()), 3),
    "all plain but one": (lambda j, p: chord([p.add.s(1), p.add.s(2), j.add.s(4)], p.total.s()), 7),
    "job behind a plain step": (
        lambda j, p: chord([chain(p.add.s(1), j.add.s(1)), p.add.s(2)], j.total.s()),
        4,
    ),
    "plain step behind a job": (
        lambda j, p: chord([chain(j.add.s(1), p.add.s(1)), p.add.s(2)], j.total.s()),
        4,
    ),
    "chains": (
        lambda j, p: chord(
            [chain(j.add.s(1), j.add.s(1)), chain(j.add.s(2), j.add.s(2))], j.total.s()
        ),
        6,
    ),
    "nested": (
        lambda j, p: chord([chord([j.add.s(1), j.add.s(2)], j.total.s()), j.add.s(4)], j.total.s()),
        7,
    ),
    "nested plain": (
        lambda j, p: chord([chord([p.add.s(1), p.add.s(2)], p.total.s()), j.add.s(4)], j.total.s()),
        7,
    ),
    "nested twice": (
        lambda j, p: (
            chord([chord([chord([j.add.s(1), p.add.s(2)], j.total.s())], p.total.s())], j.total.s())
            | j.add.s(0)
        ),
        3,
    ),
    "group then task then task": (
        lambda j, p: group(j.add.s(1), j.add.s(2)) | j.total.s() | j.add.s(10),
        13,
    ),
    "task then group then task": (
        lambda j, p: j.add.s(1) | group(j.add.s(1), p.add.s(2)) | j.total.s(),
        5,
    ),
    "two groups": (
        lambda j, p: (
            group(j.add.s(1), j.add.s(2))
            | j.total.s()
            | group(j.add.s(10), j.add.s(20))
            | j.total.s()
        ),
        36,
    ),
    "member that ends in a group": (
        lambda j, p: chord([j.add.s(1) | group(j.add.s(1), p.add.s(2)), j.add.s(9)], j.same.s()),
        [[2, 3], 9],
    ),
    "lazy header": (
        lambda j, p: chord((j.add.s(number) for number in range(4)), j.total.s()),
        6,
    ),
    "body with a chain": (
        lambda j, p: chord([j.add.s(1), j.add.s(2)], chain(j.total.s(), p.add.s(1), j.add.s(1))),
        5,
    ),
    "body with a chord": (
        lambda j, p: chord(
            [j.add.s(1), j.add.s(2)],
            chain(j.total.s(), group(j.add.s(1), j.add.s(2)), j.total.s()),
        ),
        9,
    ),
    "chain of chords": (
        lambda j, p: chain(
            chord([j.add.s(1), j.add.s(2)], j.total.s()),
            chord([j.add.s(10), p.add.s(20)], j.total.s()),
        ),
        36,
    ),
    "immutable body": (lambda j, p: chord([j.add.s(1), j.add.s(2)], j.same.si("body")), "body"),
}


@both
@pytest.mark.parametrize("shape", SHAPES)
def test_a_chord_gives_its_body_what_its_members_returned(
    job: Named, plain: Named, driver: Driver, shape: str
) -> None:
    make, expected = SHAPES[shape]
    result = make(job, plain).apply_async()

    driver.run_all()

    assert result.get(timeout=1) == expected
    assert not Job.objects.unfinished().exists()
    assert not Dependency.objects.filter(state="").exists()
    assert not Join.objects.filter(fired=False).exists()


def test_an_empty_header_runs_the_body_at_once(job: Named, driver: Driver) -> None:
    result = chord([], job.total.s()).apply_async()

    driver.run_all()

    assert result.get(timeout=1) == 0


def test_a_chord_of_plain_tasks_is_left_to_celery(
    app: Celery, plain: Named, driver: Driver
) -> None:
    result = chord([plain.add.s(1), plain.add.s(2)], plain.total.s()).apply_async()

    driver.run_all()

    assert app.AsyncResult(result.id).get(timeout=1) == 3
    assert not Join.objects.exists()
    assert not Job.objects.exists()


def test_a_chord_of_plain_tasks_may_have_a_job_as_body(
    app: Celery, job: Named, plain: Named, driver: Driver
) -> None:
    result = chord([plain.add.s(1), plain.add.s(2)], job.total.s()).apply_async()

    driver.run_all()

    assert app.AsyncResult(result.id).get(timeout=1) == 3
    assert not Join.objects.exists()
    assert Job.objects.get().pk == result.id


def test_a_rollback_leaves_nothing_of_a_chord(app: Celery, job: Named, plain: Named) -> None:
    canvas = chord([job.add.s(1), plain.add.s(2)], job.total.s())

    with database.atomic():
        canvas.apply_async()
        transaction.set_rollback(True, using=database.alias())

    assert not Job.objects.exists()
    assert not Join.objects.exists()
    assert not Dependency.objects.exists()
    with app.connection_for_read() as connection:
        assert connection.SimpleQueue(app.conf.task_default_queue).qsize() == 0


def test_a_plain_task_of_a_chord_is_sent_after_the_commit(
    app: Celery, job: Named, plain: Named
) -> None:
    with database.atomic():
        chord([job.add.s(1), plain.add.s(2)], job.total.s()).apply_async()
        relay = Job.objects.get(kind="relay")
        assert relay.publishes == 0

    relay.refresh_from_db()
    assert (relay.publishes, relay.state) == (1, JobState.PENDING)
    with app.connection_for_read() as connection:
        message = connection.SimpleQueue(app.conf.task_default_queue).get(block=False)
        message.ack()
    assert message.headers["id"] == relay.pk


def test_a_large_chord_is_stored_by_few_statements(job: Named, database_alias: str) -> None:
    canvas = chord([job.add.s(number) for number in range(200)], job.total.s())

    with CaptureQueriesContext(connections[database_alias]) as statements:
        canvas.apply_async()

    assert Job.objects.count() == 200
    assert len(statements) <= 12

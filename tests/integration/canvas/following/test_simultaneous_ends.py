from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from celery import chord
from django.db import connections

from offload.db import database
from offload.jobs import endings
from offload.models import Dependency, Job, Join
from tests.databases import on_postgresql

if TYPE_CHECKING:
    from celery import Celery

    from offload.jobs.endings import Ending
    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named

ROUNDS = 60
MEMBERS = 3


@on_postgresql
@pytest.mark.timeout(300)
def test_members_that_end_together_fire_their_join_once(
    app: Celery, job: Named, driver: Driver
) -> None:
    canvas = chord([job.add.s(number) for number in range(MEMBERS)], job.total.s())
    with ThreadPoolExecutor(MEMBERS) as pool:
        for _ in range(ROUNDS):
            result = canvas.apply_async()
            end_together(pool, [driver.claim(row.pk) for row in driver.waiting()])
            body = Job.objects.get(pk=result.id)
            assert sorted(body.args[0]) == [0, 1, 2]
            driver.run(body.pk)

    assert Job.objects.count() == ROUNDS * (MEMBERS + 1)
    assert Join.objects.filter(fired=True).count() == ROUNDS
    assert not Dependency.objects.filter(state="").exists()


def end_together(pool: ThreadPoolExecutor, attempts: list[Ending]) -> None:
    """End attempts in as many threads at the same moment."""
    barrier = threading.Barrier(len(attempts))

    def end(number: int) -> None:
        try:
            database.connection().ensure_connection()
            barrier.wait(timeout=30)
            endings.succeed(attempts[number], number)
        finally:
            connections.close_all()

    list(pool.map(end, range(len(attempts))))

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from celery import chain, chord

from offload.models import Job
from tests.acceptance.site.journal import events
from tests.acceptance.site.tasks import add, add_job, again, boom, doomed, total
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet

pytestmark = pytest.mark.everywhere


def test_a_chain_goes_on_when_the_process_dies_between_a_finish_and_what_follows(
    fleet: Fleet,
) -> None:
    fleet.need("a", "b")

    result = chain(add_job.s(1, 2), doomed.s(3), add_job.s(4)).apply_async()

    assert result.get(timeout=60) == 10
    assert len(events(what="doomed")) == 1
    assert {row.attempts for row in Job.objects.all()} == {1}


def test_a_chord_fires_once_when_a_process_dies_between_a_finish_and_what_follows(
    fleet: Fleet,
) -> None:
    fleet.need("a", "b")

    result = chord([add_job.s(1, 1), doomed.s(2, 2), add_job.s(3, 3)])(total.s())

    assert result.get(timeout=60) == 12
    eventually(lambda: not Job.objects.unfinished().exists(), what="the end of all")
    assert len(events(what="total")) == 1
    assert Job.objects.filter(topic="acc/total").count() == 1


def test_the_last_part_of_a_chord_may_be_the_one_whose_process_dies(fleet: Fleet) -> None:
    fleet.need("a", "b")

    result = chord([doomed.s(2, 2)])(total.s())

    assert result.get(timeout=60) == 4
    assert len(events(what="total")) == 1


def test_plain_tasks_and_jobs_follow_each_other_in_one_canvas(fleet: Fleet) -> None:
    fleet.need("a", "b")

    result = chain(add.s(1, 2), add_job.s(3), add.s(4), add_job.s(5)).apply_async()

    assert result.get(timeout=60) == 15


def test_a_chord_of_jobs_and_plain_tasks_hands_all_results_to_its_body(fleet: Fleet) -> None:
    fleet.need("a", "b")

    result = chord([add_job.s(1, 1), add.s(2, 2), add_job.s(3, 3)])(total.s())

    assert result.get(timeout=60) == 12


def test_a_task_that_asks_to_be_retried_runs_again_as_the_same_job(fleet: Fleet) -> None:
    fleet.need("a", "b")

    result = again.delay(2)

    assert result.get(timeout=60) == "retried 2 times"
    row = Job.objects.get()
    assert (row.pk, row.attempts) == (result.id, 3)
    assert len(events(result.id, "start")) == 3


def test_a_called_job_that_fails_is_not_retried_by_itself_and_raises_its_error(
    fleet: Fleet,
) -> None:
    fleet.need("a", "b")

    result = boom.delay()

    with pytest.raises(ValueError, match="boom"):
        result.get(timeout=60)
    assert Job.objects.get().state == "GIVEN_UP"
    assert len(events(result.id, "start")) == 1

"""Workers of one name, and runs that wake after others took over."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

import offload
from offload.core.states import JobState
from tests.acceptance.site.journal import events
from tests.acceptance.watching import ended, only_on, pass_time, runner, slept, unchanged
from tests.acceptance.worker.sleepers import follower, sleeper_on
from tests.polling import eventually

if TYPE_CHECKING:
    from typing import Any

    from tests.acceptance.fleet import Fleet


def test_a_worker_started_anew_under_its_name_runs_what_its_killed_predecessor_ran(
    fleet: Fleet,
) -> None:
    [victim] = fleet.need("a")
    before = victim.row.incarnation
    job = offload.submit("acc/sleep", {"seconds": 1})
    runner(fleet, job)

    victim.kill()
    second = fleet.start("a")
    row = ended(job)

    assert row.state == JobState.SUCCEEDED
    assert row.attempts == 2
    assert second.row.incarnation == row.incarnation != before


def test_a_second_worker_of_one_name_ends_and_the_first_goes_on(fleet: Fleet) -> None:
    [first] = fleet.need("a")
    incarnation = first.row.incarnation

    second = fleet.start("a", alias="second", wait=False)
    code = eventually(lambda: (second.process.poll(),)[0], within=60, what="its end")

    assert code != 0
    assert "in use" in second.last_words()
    assert f":{first.process.pid}" in second.last_words()
    assert first.is_alive
    assert first.row.incarnation == incarnation
    assert offload.submit("acc/quick", {"value": 1}).result(30) == 1


def test_a_worker_that_wakes_while_another_has_its_name_ends_itself(fleet: Fleet) -> None:
    [first] = fleet.need("a")
    first.send_all(signal.SIGSTOP)
    second = fleet.start("a", alias="another")

    first.send_all(signal.SIGCONT)

    eventually(lambda: not first.is_alive, what="its end")
    assert f"{first.name} is superseded" in first.last_words()
    assert second.row.pid == second.process.pid
    assert offload.submit("acc/quick", {"value": 1}).result(30) == 1


@pytest.mark.everywhere
def test_an_attempt_that_wakes_after_its_job_ran_elsewhere_changes_nothing(
    fleet: Fleet, site: Any
) -> None:
    fleet.need("a", "b")
    frozen = follower(fleet)
    incarnation = frozen.row.incarnation
    job = sleeper_on(fleet, frozen, 3)
    epoch = job.row.epoch

    frozen.send_all(signal.SIGSTOP)
    row = ended(job)
    assert row.instance != frozen.name
    before, result = unchanged(job), site.AsyncResult(job.id).result
    frozen.send_all(signal.SIGCONT)
    eventually(
        lambda: [one for one in events(job.id, "end") if one.epoch == epoch],
        what="the end of the frozen attempt",
    )
    eventually(lambda: frozen.is_ready and frozen.row.incarnation != incarnation, what="its return")
    with only_on(frozen, fleet):
        assert offload.submit("acc/quick", {"value": 1}).result(30) == 1

    assert unchanged(job) == before
    assert site.AsyncResult(job.id).result == result == slept(row)
    assert row.attempts == 2


def test_a_worker_that_is_frozen_for_less_than_the_timeout_goes_on_with_its_job(
    fleet: Fleet,
) -> None:
    fleet.need("a", "b")
    frozen = follower(fleet)
    incarnation = frozen.row.incarnation
    job = sleeper_on(fleet, frozen, 2)

    frozen.send_all(signal.SIGSTOP)
    pass_time(1)
    frozen.send_all(signal.SIGCONT)
    row = ended(job)

    assert (row.instance, row.attempts) == (frozen.name, 1)
    assert frozen.row.incarnation == incarnation

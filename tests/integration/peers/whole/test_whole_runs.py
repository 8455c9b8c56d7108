"""A run goes whole to another cluster as one job, and comes home once (P15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db.models.functions import Now

from offload.core.exceptions import JobFailed
from offload.core.retries import Cause, RetryPolicy
from offload.core.states import JobState
from offload.dispatch import dispatching
from offload.files import outputs
from offload.jobs import endings, stopping
from offload.jobs.decisions import decided
from offload.models import Job, News, Peer, WithdrawnBinding
from offload.models.versions import raise_version
from offload.peers.travel import hosted_runs, moving
from offload.workflows.handles import RunHandle
from tests.integration.peers.travel.acting import claim
from tests.integration.peers.travel.clusters import HOUR, Link
from tests.integration.peers.whole.acting import (
    NAME,
    arrive,
    began,
    begun,
    do,
    open_steps,
    placeholder,
    settle,
    there,
)
from tests.integration.workflows.leading import noted
from tests.integration.world import BROKE

if TYPE_CHECKING:
    from offload.fleet.leadership import Term

#: The progress of a run whose first step has ended.
FIRST_OF_THREE = {"current": 1.0, "total": 3.0, "message": "a, b"}
ONCE = RetryPolicy(retries=0, delay=0.0)


def test_a_run_is_one_job_at_home_and_all_its_steps_run_at_the_peer(link: Link) -> None:
    run_id = begun(link, user_data={"n": 7}, by="ada")

    run = there(link)
    assert (run.home, run.home_epoch, run.parent_id) == ("site", 1, placeholder(link, run_id).pk)
    assert (run.user_data, run.actor, run.workflow) == ({"n": 7}, "ada of site", NAME)
    with link.peer.here():
        job = Job.objects.get(run=run)
        assert (job.home, job.root_id, "clone" in job.needs) == ("site", run.parent_id, True)
    with link.home.here(), noted() as events:
        do(link)
        link.exchange()
        held = placeholder(link, run_id)
        assert (held.state, held.progress) == ("ACTIVE", FIRST_OF_THREE)
        do(link, "done")
        settle(link)

        handle = RunHandle(run_id)
        assert handle.result(timeout=0) == ["done", "done"]
        assert [(one.state, one.job) for one in handle.plan.values()] == [("SUCCEEDED", "")] * 3
        assert handle.steps.get().state == "SUCCEEDED"
    steps = [one for one in events if len(one) == 3]
    mine = [one for one in events if one[0] == NAME]
    # Each side sends its own.
    assert [one[0] for one in steps] == ["dam/first", "a", "b"] * 2
    assert [one[2] for one in mine] == ["SUCCEEDED"] * 2
    with link.peer.here():
        assert not News.objects.exists()


def test_the_failure_of_a_step_comes_home_and_the_run_is_done_again_whole(link: Link) -> None:
    run_id = begun(link)
    [first] = open_steps(link)
    ending = began(link, first)
    with link.peer.here():
        endings.fail(ending, decided(ONCE, ending.claimed, Cause.FAILED), BROKE)
    settle(link)

    with link.home.here():
        handle = RunHandle(run_id)
        assert handle.state == "FAILED"
        assert [one.state for one in handle.plan.values()] == ["FAILED", "UNREACHED", "UNREACHED"]
        with pytest.raises(JobFailed, match="no"):
            handle.result(timeout=0)
        again = handle.restart()
        assert again.row.placement == "peer"
        assert Job.objects.get(run=again.id).state in ("PENDING", "QUEUED")


def test_outputs_come_home_with_names_of_their_own(link: Link) -> None:

    begun(link)
    with link.peer.here():
        for _ in range(2):
            for job_id in open_steps(link):
                ending = began(link, job_id)
                outputs.add(ending.key, "made.txt", job_id.encode())
                endings.succeed(ending, None)
        clone = Job.objects.get(topic="offload/run")
        names = sorted(clone.files.values_list("name", flat=True))
    assert clone.state == "SUCCEEDED"
    assert len(names) == 3
    assert names.count("made.txt") == 1
    assert all(one.endswith("made.txt") for one in names)


def test_a_stop_ends_at_the_peer_first_and_begins_nothing_there(link: Link) -> None:
    run_id = begun(link)
    [first] = open_steps(link)
    ending = began(link, first)

    with link.home.here():
        assert RunHandle(run_id).stop() == "RUNNING"
    settle(link)
    assert there(link).stop_requested
    with link.home.here():
        assert RunHandle(run_id).state == "RUNNING"
        assert not WithdrawnBinding.objects.exists()
    with link.peer.here():
        endings.stop(ending)
    settle(link)

    assert open_steps(link) == []
    with link.home.here():
        handle = RunHandle(run_id)
        assert handle.state == "STOPPED"
        assert {one.state for one in handle.plan.values()} == {"STOPPED"}


def test_without_a_lease_no_step_begins(link: Link) -> None:
    begun(link)
    with link.peer.here():
        Peer.objects.update(lease_until=Now())

    [first] = open_steps(link)
    assert claim(link, first) is None
    with link.peer.here():
        Peer.objects.update(lease_until=Now() + HOUR)
    do(link)
    assert len(open_steps(link)) == 2


def test_a_silent_peer_loses_the_run_and_its_late_report_is_refused(
    link: Link, term_at_home: Term
) -> None:
    run_id = begun(link)
    do(link)
    do(link, "late")
    with link.peer.here():
        assert Job.objects.get(topic="offload/run").state == JobState.SUCCEEDED
    with link.home.here():
        Peer.objects.update(silent_since=Now())
        moving.move(term_at_home)
        moved = placeholder(link, run_id)
        assert moved.state == "PENDING"
    settle(link)

    with link.home.here():
        assert RunHandle(run_id).state == "RUNNING"
        Peer.objects.update(silent_since=None)

        raise_version()
        dispatching.sweep()
    settle(link)
    arrive(link, run_id)
    do(link)
    do(link, "again")
    settle(link)
    with link.home.here():
        assert RunHandle(run_id).result(timeout=0) == ["again", "again"]
        assert placeholder(link, run_id).epoch == 2


def test_a_run_whose_clone_was_stopped_alone_is_stopped(link: Link) -> None:
    begun(link)

    with link.peer.here():
        stopping.stop_jobs([there(link).parent_id])
        assert hosted_runs.stop_left() == 1
        assert hosted_runs.stop_left() == 0
    assert there(link).state == "STOPPED"

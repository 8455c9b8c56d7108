"""Reports about messages that came too late."""

from __future__ import annotations

import pytest

from offload.core.placement.topology import Mode
from offload.fleet import membership
from offload.jobs.late_messages import why_late
from offload.models import Job
from offload.rules import enforcement
from offload.tracking import terminations
from tests.arranging import arrange
from tests.integration.world import HERE, THERE, bound, join, key_of, running


@pytest.fixture(autouse=True)
def incarnation(app: object) -> str:
    """Let an instance join; return its incarnation."""
    return join()


def test_what_an_instance_that_drains_gave_back_is_no_alarm(incarnation: str) -> None:
    key = key_of(bound()[0])
    membership.set_mode(HERE, incarnation, Mode.DRAINING)
    enforcement.give_back_unstarted(HERE, incarnation)

    assert why_late(key, HERE) == ("the job was taken back, since this instance drains; it waits")


def test_what_was_bound_elsewhere_is_told_with_the_place(incarnation: str) -> None:
    join(THERE)
    key = key_of(bound()[0])
    enforcement.give_back_unstarted(HERE, incarnation)
    arrange(Job.objects.all(), state="QUEUED", instance=THERE, epoch=2)

    assert why_late(key, HERE) == f"the job was taken back; it is QUEUED at {THERE}"


def test_what_has_ended_or_begun_or_gone_is_told_so() -> None:
    stopped, begun = key_of(bound()[0]), running().key
    terminations.stop([stopped.job_id])

    assert why_late(stopped, HERE) == "the job is STOPPED"
    assert why_late(begun, HERE) == "another message of it has begun the job"
    Job.objects.all().delete()
    assert why_late(begun, HERE) == "the job was removed"


def test_a_clone_whose_home_is_not_heard_was_not_taken_back() -> None:
    key = key_of(bound()[0])
    arrange(Job.objects.all(), home="site", home_epoch=1)

    assert why_late(key, HERE) == (
        "it may begin only while its cluster site is heard; it is tried again"
    )

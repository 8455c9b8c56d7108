"""A job that is bound to a peer at home runs there, and home takes what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offload.core.progress import Progress
from offload.core.retries import Cause, RetryPolicy
from offload.core.tokens import Token
from offload.dispatch import dispatching
from offload.jobs import async_completion, endings, losses, stopping
from offload.jobs.decisions import decided
from offload.models import ClosedBinding, Job, News, WithdrawnBinding
from offload.tracking import finishing
from offload.tracking.assignments import NewCall
from tests.integration.peers.travel.acting import begin, bind, claim, row_at
from tests.integration.world import BROKE, HERE

if TYPE_CHECKING:
    from tests.integration.peers.travel.clusters import Link

ONCE = RetryPolicy(retries=0, delay=0.0)


def is_settled(link: Link) -> bool:
    """Tell whether neither side has anything to say."""
    with link.home.here():
        at_home = WithdrawnBinding.objects.exists()
    with link.peer.here():
        return not at_home and not News.objects.exists()


def test_a_job_runs_at_the_peer_and_its_result_is_homes(link: Link) -> None:
    ending = begin(link, properties={"width": 7}, args=(1,), priority=3)
    home = row_at(link.home)
    assert (home.instance, home.peer, home.epoch) == (f"render/{HERE}", "render", 1)
    assert (ending.claimed.properties, ending.claimed.args) == ({"width": 7}, (1,))
    assert ending.claimed.priority == 3

    with link.peer.here():
        endings.succeed(ending, {"at": 3})
    link.exchange()

    row = row_at(link.home)
    assert (row.state, row.result, row.attempts) == ("SUCCEEDED", {"at": 3}, 1)
    assert not row.aftermath_due
    assert is_settled(link)


def test_a_failure_is_retried_by_homes_policy(link: Link) -> None:
    ending = begin(link)

    with link.peer.here():
        endings.fail(ending, decided(ONCE, ending.claimed, Cause.FAILED), BROKE)
        assert Job.objects.get().state == "GIVEN_UP"
    link.exchange()

    row = row_at(link.home)
    assert (row.state, row.failures, row.peer) == ("PENDING", 1, None)
    with link.home.here():
        [attempt] = row.ended_attempts.all()
        assert (attempt.cause, attempt.error) == ("failed", "no")
    assert is_settled(link)


def test_a_clone_has_one_attempt_whoever_ends_it(link: Link) -> None:
    ending = begin(link)

    with link.peer.here():
        losses.crashed(ending.key.binding, "its process died")
        assert Job.objects.get().state == "GIVEN_UP"
    link.exchange()

    row = row_at(link.home)
    assert (row.state, row.crashes, row.hold) == ("PENDING", 1, "suspect")
    assert is_settled(link)


def test_a_run_that_asks_for_a_retry_gets_it_from_home(link: Link) -> None:
    ending = begin(link, properties={"n": 1})

    with link.peer.here():
        decision = decided(RetryPolicy(retries=9, delay=30.0), ending.claimed, Cause.FAILED)
        finishing.requeue(
            ending.key, decision, None, cause=Cause.REQUEUED,
            call=NewCall(properties={"n": 2}),
        )  # fmt: skip
        assert Job.objects.get().state == "GIVEN_UP"
    link.exchange()

    row = row_at(link.home)
    assert (row.state, row.properties, row.failures) == ("PENDING", {"n": 2}, 1)
    assert row.run_at is not None


def test_the_next_binding_takes_the_place_of_the_clone(link: Link) -> None:
    ending = begin(link)
    with link.peer.here():
        losses.ended(ending.key.binding, cause=Cause.LEASE_EXPIRED, detail="its lease is over")
    link.exchange()
    assert row_at(link.home).state == "PENDING"

    with link.home.here():
        assert dispatching.sweep() == 1
    link.exchange()

    again = claim(link, ending.key.job_id)
    assert again is not None
    assert row_at(link.peer).home_epoch == 2
    assert again.key.epoch > ending.key.epoch
    with link.peer.here():
        assert endings.succeed(ending, "late") is None
        endings.succeed(again, "right")
    link.exchange()
    assert row_at(link.home).result == "right"


def test_progress_travels_and_the_latest_wins(link: Link) -> None:
    ending = begin(link)

    with link.peer.here():
        for number in (1, 2):
            finishing.report(ending.key, Progress.of(number, 8, "half"))
    link.exchange()

    assert row_at(link.home).progress == {"current": 2.0, "total": 8.0, "message": "half"}


def test_a_handed_over_clone_ends_by_its_token(link: Link) -> None:
    ending = begin(link)
    token = str(Token(ending.key.job_id, ending.key.epoch, ending.key.secret))

    with link.peer.here():
        endings.hand_over(ending, 60.0)
        async_completion.complete(token, "from outside")
    link.exchange()

    assert row_at(link.home).result == "from outside"


def test_a_stop_is_a_request_until_the_peer_has_answered(link: Link) -> None:
    job_id = bind(link)
    link.send(link.home)
    with link.home.here():
        stopping.stop(job_id)
        assert Job.objects.get().state == "QUEUED"

    link.exchange()

    assert row_at(link.home).state == "STOPPED"
    assert claim(link, job_id) is None
    assert is_settled(link)


def test_a_running_clone_is_asked_to_stop_and_its_report_says_how_it_ended(link: Link) -> None:
    ending = begin(link)
    with link.home.here():
        stopping.stop(ending.key.job_id, force=True)
    link.exchange()
    row = row_at(link.peer)
    assert (row.state, row.stop_requested, row.stop_forced) == ("ACTIVE", True, True)
    assert row_at(link.home).state == "ACTIVE"

    with link.peer.here():
        endings.stop(ending)
    link.exchange()

    assert row_at(link.home).state == "STOPPED"
    assert is_settled(link)


@pytest.mark.parametrize("is_late", [False, True])
def test_a_withdrawal_closes_a_binding_that_never_came(link: Link, is_late: bool) -> None:
    job_id = bind(link)
    [envelope] = link.send(link.home)
    link.sent["render"].clear()
    with link.home.here():
        stopping.stop(job_id)
    link.exchange()
    assert row_at(link.home).state == "STOPPED"

    if is_late:
        link.deliver(link.peer, envelope)
    with link.peer.here():
        assert not Job.objects.exists()
        assert ClosedBinding.objects.get().epoch == 1


def test_a_refusal_counts_as_no_attempt_and_the_instance_is_left_out_for_a_while(
    link: Link,
) -> None:
    job_id = bind(link, topic="dam/web")
    with link.peer.here():
        Job.objects.create(id=job_id, topic="dam/own", lane="default||dam/own")

    link.exchange()

    with link.home.here():
        row = Job.objects.get()
        assert (row.state, row.attempts, row.refusals) == ("PENDING", 0, 1)
        assert dispatching.sweep() == 0
    assert row_at(link.peer).topic == "dam/own"
    assert is_settled(link)


def test_reports_and_envelopes_that_come_twice_change_nothing(link: Link) -> None:
    job_id = bind(link)
    [envelope] = link.send(link.home)
    link.carry(link.peer)
    link.deliver(link.peer, envelope)
    ending = claim(link, job_id)
    assert ending is not None
    [started] = link.send(link.peer)
    with link.peer.here():
        endings.succeed(ending, 1)
    [ended] = link.send(link.peer)
    for content in (ended, started, ended):
        link.deliver(link.home, content)
    verdicts = [getattr(one, "verdict", None) for one in link.sent["render"]]
    assert verdicts == ["accepted"] * 3

    link.exchange()

    assert row_at(link.home).result == 1
    link.deliver(link.peer, envelope)
    assert row_at(link.peer).state == "SUCCEEDED"
    assert is_settled(link)

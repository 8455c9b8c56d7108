"""Explanations: every reason why a job waits, in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from offload.core.exceptions import InvalidTopic
from offload.core.placement.reasons import Obstacle
from offload.core.placement.topology import Mode
from offload.core.retries import Cause, RetryDecision
from offload.core.states import Hold, JobState, Waiting
from offload.dispatch import dispatching
from offload.fleet import membership
from offload.fleet.snapshots import now
from offload.models import Exclusion, Instance, Queue
from offload.reading.waiting.explain import explain, explain_job
from offload.rules import editing
from offload.tracking import finishing, terminations
from tests.integration.reading.key_reasons import KEY_REASONS
from tests.integration.world import (
    BROKE,
    HERE,
    TOPIC,
    bound,
    join,
    place,
    row,
    running,
    waiting,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable

AGAIN = RetryDecision(state=JobState.PENDING, delay=60, failures=1, crashes=0, reason="again")


def _full() -> str:
    bound(4)
    return waiting()[0]


def _limited() -> str:
    Queue.objects.create(name="narrow", topics=["x"], max_parallel=1)
    bound(queue="narrow")
    return waiting(queue="narrow")[0]


def _held(**facts: Any) -> str:
    Queue.objects.create(name="narrow", topics=["x"], **facts)
    return waiting(queue="narrow")[0]


def _rated() -> str:
    Queue.objects.create(name="narrow", topics=["x"], rate="1/d")
    ids = waiting(2, queue="narrow")
    dispatching.refill(HERE)
    return ids[1]


def _failed() -> str:
    run = running()
    finishing.requeue(run.key, AGAIN, BROKE, cause=Cause.FAILED)
    return run.id


def _denied() -> str:
    editing.deny(HERE, TOPIC)
    return waiting()[0]


def _refused() -> str:
    job_id = waiting()[0]
    until = datetime.now(UTC) + timedelta(seconds=60)
    Exclusion.objects.create(
        job=row(job_id), incarnation=place().incarnation, reason="x", until=until
    )
    return job_id


#: How it came to wait, why it does, and words of the sentence.
REASONS: dict[str, tuple[Callable[[], str], Waiting, str]] = {
    **KEY_REASONS,
    "not due": (lambda: waiting(delay=60)[0], Waiting.NOT_DUE, "It is not due yet."),
    "no consumer": (lambda: waiting(topic="x")[0], Waiting.UNASSIGNED, "Start one that has."),
    "denied": (_denied, Waiting.UNASSIGNED, "denied (1)"),
    "refused": (_refused, Waiting.UNASSIGNED, "excluded (1)"),
    "window full": (_full, Waiting.WINDOW_FULL, "window full (1)"),
    "queue limit": (_limited, Waiting.QUEUE_LIMIT, "as many jobs as it may"),
    "suspended": (lambda: _held(suspended=True), Waiting.SUSPENDED, "suspended"),
    "rate": (_rated, Waiting.RATE_LIMIT, "for the moment: 1/d. It may begin at 20"),
    "closed": (lambda: _held(windows=["unreadable"]), Waiting.CLOSED, "it runs never"),
    "retry delay": (_failed, Waiting.RETRY_DELAY, "An attempt failed"),
    "dependency": (lambda: waiting(hold=Hold.DEPENDENCY)[0], Waiting.DEPENDENCY, "depends on"),
    "payload": (lambda: waiting(hold=Hold.PAYLOAD)[0], Waiting.PAYLOAD, "files"),
    "drained": (lambda: waiting(hold=Hold.DRAIN)[0], Waiting.DRAINED, "queue drains"),
    "replaced": (lambda: waiting(hold=Hold.REPLACED)[0], Waiting.DEPENDENCY, "depends on"),
}


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


@pytest.mark.parametrize(("come", "reason", "words"), REASONS.values(), ids=REASONS)
def test_a_job_says_why_it_waits(come: Callable[[], str], reason: Waiting, words: str) -> None:
    found = explain_job(row(come()))

    assert found.waiting is reason
    assert words in found.sentence
    assert found.as_dict()["waiting"] == reason.value


def test_where_every_worker_is_gone_that_comes_first() -> None:
    editing.deny(HERE, TOPIC)
    Instance.objects.update(mode=Mode.GONE)

    for topic in (TOPIC, "nobody/knows"):
        told = f"Every known worker is gone. Start one that has a consumer for {topic}."
        assert explain(topic).sentence == told
    assert explain_job(row(waiting()[0])).sentence.startswith("Every known worker is gone.")


def test_what_is_nearest_comes_first_with_the_step_that_fits() -> None:
    join("author@site", consumers=[{"pattern": "cms/**", "task": "cms"}])
    editing.allow("author@site", "cms/**")
    join("spare@site")
    editing.allow("spare@site", "cms/**")
    rule = editing.deny(HERE, TOPIC, note="no licence")

    found = explain(TOPIC)

    assert [one.instance for one in found.verdicts] == [HERE, "spare@site", "author@site"]
    assert f"Rule {rule.pk} denies {TOPIC} on {HERE}: no licence." in found.sentence
    assert "spare@site" not in found.sentence
    assert found.next_step == f"To end the rule: manage.py offload clear {rule.pk}"
    assert found.as_dict()["next_step"] == found.next_step


def test_what_is_gone_says_since_when_and_why() -> None:
    join("spare@site", consumers=[])
    membership.leave(HERE, place().incarnation, reason="its worker died", crash=True)

    found = explain(TOPIC)

    assert f"{HERE} has been gone since 20" in found.sentence
    assert found.sentence.endswith(": its worker died.")
    assert found.next_step == f"Start {HERE} again."


def test_an_instance_that_does_not_beat_is_silent_and_not_ready() -> None:
    run, (queued,) = running(), waiting()
    Instance.objects.update(beat_at=now() - timedelta(seconds=7))

    found = explain_job(row(queued))
    silence = f"{HERE} has given no sign of life for 7."

    assert found.instance == HERE
    assert found.sentence.startswith(f"It would be bound to {HERE}. {silence}")
    assert "It is ready." not in found.sentence
    (verdict,) = found.verdicts
    assert verdict.reason is not None
    assert verdict.reason.obstacle is Obstacle.SUSPECT
    assert silence in verdict.reason.detail
    assert silence in explain_job(row(run.id)).sentence
    assert "log of its worker" in explain_job(row(run.id)).next_step


def test_a_queue_that_holds_its_jobs_back_says_how_to_go_on() -> None:
    suspended, narrow = row(_held(suspended=True)), "manage.py offload queues"
    assert explain_job(suspended).next_step == f"To resume it: {narrow} resume narrow"

    Queue.objects.create(name="slow", topics=["y"], max_parallel=1)
    bound(queue="slow")
    limited = explain_job(row(waiting(queue="slow")[0]))
    assert limited.sentence == "Its queue runs as many jobs as it may at once: 1."
    assert limited.next_step == f"To let more run: {narrow} set slow --limit N"
    assert limited.as_dict()["gates"] == [
        {
            "gate": "limit",
            "open": False,
            "used": 1,
            "limit": 1,
            "fact": "1 of 1 at once are bound or run.",
            "again_at": None,
            "change": f"{narrow} set slow --limit N",
        }
    ]


def test_every_reason_to_wait_is_tested() -> None:
    assert {reason for _, reason, _ in REASONS.values()} == set(Waiting)


def test_a_job_that_nothing_keeps_says_where_it_would_run() -> None:
    found = explain_job(row(waiting()[0]))

    assert (found.waiting, found.instance) == (None, HERE)
    assert found.sentence.startswith(f"{HERE} would run it.")


def test_a_job_that_is_bound_or_runs_or_ended_says_so() -> None:
    queued, run, ended = bound()[0].id, running().id, waiting()[0]
    terminations.drop([ended])

    assert explain_job(row(queued)).sentence.startswith(f"It is bound to {HERE}")
    assert explain_job(row(run)).sentence == f"It runs on {HERE}, attempt 1."
    assert explain_job(row(ended)).sentence == "It ended DROPPED."
    assert explain_job(row(run)).waiting is None


def test_a_topic_has_a_verdict_per_instance() -> None:
    join("author@site", consumers=[{"pattern": "cms/**", "task": "cms"}])
    rule = editing.deny(HERE, "dam/rendition/*")

    found = explain(TOPIC)

    assert found.waiting is Waiting.UNASSIGNED
    assert {one.instance: one.reason and one.reason.obstacle for one in found.verdicts} == {
        HERE: Obstacle.DENIED,
        "author@site": Obstacle.NO_CONSUMER,
    }
    listed = found.as_dict()["instances"]
    assert isinstance(listed, list)
    assert listed[0] == {
        "instance": HERE, "task": "dam.render", "can_run": False, "obstacle": "denied",
        "detail": f"Rule {rule.pk} denies dam/rendition/* on {HERE}.", "rule": rule.pk,
        "there": "", "score": None, "meets": [],
    }  # fmt: skip


def test_a_topic_that_can_run_names_queue_and_instance() -> None:
    Queue.objects.create(name="renditions", topics=["dam/rendition/*"])

    found = explain(TOPIC)

    assert (found.queue, found.instance, found.waiting) == ("renditions", HERE, None)


def test_a_topic_nobody_ever_announced_says_to_start_a_worker() -> None:
    assert "Start one that has." in explain("nobody/knows").sentence


def test_a_topic_that_is_none_is_named() -> None:
    with pytest.raises(InvalidTopic):
        explain("dam//web")

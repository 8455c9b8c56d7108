"""The cost of a job: counted statements, and queries that use their indexes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload.core.progress import Progress
from offload.core.retries import Cause
from offload.db import database
from offload.dispatch import overdue
from offload.fleet import departures, leadership, membership
from offload.jobs import endings
from offload.jobs.claims import begin
from offload.reading.runs import unplaced
from offload.tracking import (
    async_completion,
    claiming,
    finishing,
    queries,
    relays,
    requeue,
    terminations,
)
from offload.tracking.binding import queue_limits, waiting_heads
from offload.tracking.binding.bindings import bind
from tests.integration.tracking.plans import analyse, history, plan, slow
from tests.integration.world import (
    FACTS,
    HERE,
    LANE,
    TOPIC,
    bound,
    join,
    key_of,
    place,
    running,
    statements,
    waiting,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.fleet.leadership import Term

#: Two indexes hold the bound jobs alone; either will do where all of them are counted.
BOUND = "offload_job_(bound|in_queue)"
WAITS = "offload_job_(waiting|run)"
KEY = r"offload_job_pkey|sqlite_autoindex_offload_job_1"
CHANGES = re.compile(r"\b(INSERT) INTO|\b(UPDATE) \w+ SET|\b(DELETE) FROM|^(BEGIN|SAVEPOINT)")

#: A change and the result that goes with it, and how many statements they are.
BOTH = {"sqlite": (["BEGIN", "UPDATE", "INSERT"], 4), "postgresql": (["UPDATE", "INSERT"], 1)}


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def test_a_job_that_nobody_can_run_is_stored_by_one_statement() -> None:
    offload.submit("nobody/knows")

    with statements() as found:
        offload.submit("nobody/knows")

    assert _changes(found) == ["INSERT"]
    assert len(found) <= 3


def test_a_job_is_stored_and_bound_by_one_change(database_alias: str) -> None:
    offload.submit(TOPIC)

    with statements() as found:
        job = offload.submit(TOPIC)

    assert job.state == "QUEUED"
    assert _changes(found) == (["BEGIN"] if database_alias == "sqlite" else []) + ["INSERT"]
    assert len(found) <= 4


def test_many_jobs_are_stored_by_one_statement_per_500() -> None:
    with statements() as found:
        offload.submit_many("nobody/knows", [{}] * 1200)

    assert _changes(found) == ["BEGIN", "INSERT", "INSERT", "INSERT"]


def test_a_claim_is_one_statement() -> None:
    key = key_of(bound()[0])

    with statements() as found:
        begin(key, FACTS)

    assert _changes(found) == ["UPDATE"]
    assert len(found) == 1


def test_a_claim_with_its_started_is_one_transaction(app: Any, database_alias: str) -> None:
    key = key_of(bound()[0])
    app.conf.task_track_started = True
    try:
        with statements() as found:
            begin(key, FACTS)
    finally:
        app.conf.task_track_started = False

    assert (_changes(found), len(found)) == BOTH[database_alias]


def test_a_finish_with_its_result_is_one_transaction(database_alias: str) -> None:
    run = running()

    with statements() as found:
        endings.succeed(run.ending, {"w": 1})

    assert (_changes(found), len(found)) == BOTH[database_alias]


def test_a_finish_that_keeps_no_result_is_one_statement() -> None:
    run = running(options={"ignore_result": True})

    with statements() as found:
        endings.succeed(run.ending, {"w": 1})

    assert _changes(found) == ["UPDATE"]
    assert len(found) == 1


def _changes(found: list[str]) -> list[str]:
    hits = [hit for sql in found for hit in CHANGES.finditer(sql)]
    return [next(word for word in hit.groups() if word) for hit in hits]


#: A question, and the index that answers it among thousands of jobs that ended.
QUESTIONS: dict[str, tuple[Callable[[], object], str]] = {
    "heads": (lambda: bind(place(), [LANE], limit=4), "offload_job_waiting"),
    "aged": (lambda: bind(place(), waiting_heads.heads(LANE, 9.0), limit=4), WAITS),
    "window": (lambda: bind(place(), [LANE], limit=4), "offload_job_bound"),
    "lanes": (queries.waiting_lanes, "offload_job_waiting"),
    "unplaced": (lambda: database.rows(unplaced.question("''"), {"most": 9}), WAITS),
    "suspects": (queries.suspects, "offload_job_suspect"),
    "loads": (queries.loads_by_instance, BOUND),
    "due": (requeue.release_due, "offload_job_due"),
    "handed over": (async_completion.overdue, "offload_job_handed"),
    "expiry": (terminations.expire, "offload_job_expires"),
    "aftermath": (terminations.due, "offload_job_aftermath"),
    "unsent": (lambda: relays.is_any_left_behind(5.0), "offload_job_unsent"),
    "left behind": (lambda: relays.claim_left_behind(5.0, 20), "offload_job_unsent"),
    "stopped unsent": (lambda: relays.stop_unsent(5.0), "offload_job_unsent"),
    "head": (lambda: queue_limits.head_of("narrow"), "offload_job_begun(.|\n)*offload_job_head"),
    "queue": (lambda: queue_limits.bound_in("narrow"), BOUND),
    "unheard": (lambda: queries.unheard(HERE, "x", first=5.0), BOUND),
    "active": (lambda: queries.active_on(HERE, "x"), BOUND),
    "unstarted": (queries.unstarted, BOUND),
    "unstarted there": (lambda: queries.unstarted(HERE), BOUND),
    "rules": (lambda: requeue.recall_from(HERE, [TOPIC], cause=Cause.REFUSED), BOUND),
    "who is gone": (
        lambda: membership.leave(HERE, place().incarnation, reason="x", crash=True),
        BOUND,
    ),
    "stranded": (lambda: departures.move(_term()), BOUND),
    "late": (lambda: overdue.recall(_term()), BOUND),
}


@pytest.mark.usefixtures("values_in_the_text")
def test_each_question_is_answered_by_its_own_index_however_many_jobs_ended(
    database_alias: str,
) -> None:
    _crowd()

    plans = {name: slow(ask, index) for name, (ask, index) in QUESTIONS.items()}

    assert {name: plan for name, plan in plans.items() if plan} == {}


@pytest.mark.usefixtures("values_in_the_text")
def test_a_run_finds_its_job_by_the_key_and_not_among_all_that_are_bound() -> None:
    """With no bound job in its statistics, a planner would read the index of them all."""
    history()
    analyse()
    key = key_of(bound()[0])

    with statements() as found:
        claiming.claim(key)
        finishing.report(key, Progress.of(1, 2, ""))
        finishing.succeed(key, 1, aftermath=False)

    plans = "\n".join(map(plan, found))
    assert len(re.findall(KEY, plans)) == 3
    assert not re.search(BOUND, plans)


def _term() -> Term:
    found = leadership.acquire(HERE, place().incarnation)
    assert found is not None
    return found


def _crowd() -> None:
    """Thousands of jobs that ended, and one of each kind that did not."""
    history()
    waiting(3), waiting(300, topic="dam/meta"), waiting(delay=60), waiting(expires_in=60)
    waiting(hold="suspect"), bound(), bound(queue="narrow"), terminations.drop(waiting())
    analyse()

"""Claims: QUEUED → ACTIVE, once, under the epoch and a token of the attempt's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from offload.core.attempt_key import AttemptKey
from offload.core.states import JobState
from offload.tracking import claiming, terminations
from offload.tracking.selectors import Holder
from tests.databases import on_postgresql
from tests.integration.beside import together
from tests.integration.world import HERE, THERE, Told, bound, join, key_of, row, running, waiting


@pytest.fixture(autouse=True)
def _instance(database_alias: str) -> None:
    join()


def test_a_claim_begins_an_attempt_and_returns_what_the_run_needs(
    changes: list[Told],
) -> None:
    job = bound(options={"ignore_result": True}, tail={"chain": []}, has_tail=True, root_id="r")[0]
    changes.clear()

    claimed = claiming.claim(key_of(job))

    assert claimed is not None
    assert (claimed.topic, claimed.queue, claimed.attempts) == (job.topic, "default", 1)
    assert (claimed.options, claimed.tail) == ({"ignore_result": True}, {"chain": []})
    assert claimed.has_tail is True
    assert claimed.root_id == "r"
    found = row(job.id)
    assert (found.state, found.instance, found.attempts) == (JobState.ACTIVE, HERE, 1)
    assert found.started_at is not None
    assert changes == [Told(job.id, "QUEUED", "ACTIVE", 1)]


def test_a_message_of_an_older_epoch_is_not_run() -> None:
    job = bound()[0]

    assert claiming.claim(replace(key_of(job), epoch=job.epoch - 1)) is None
    assert row(job.id).state == JobState.QUEUED


def test_a_duplicate_of_a_message_is_not_run() -> None:
    run = running()

    assert claiming.claim(replace(run.key, token="another")) is None
    assert run.row.attempts == 1


def test_a_claim_whose_reply_was_lost_is_recognised_by_its_token() -> None:
    run = running()

    again = claiming.claim(run.key)

    assert again == run.claimed
    assert run.row.attempts == 1


def test_a_job_that_was_asked_to_stop_is_not_begun() -> None:
    job = bound()[0]
    terminations.stop([job.id])

    assert claiming.claim(key_of(job)) is None
    assert row(job.id).state == JobState.STOPPED


def test_a_job_that_is_bound_to_nobody_is_not_begun() -> None:
    job_id = waiting()[0]

    assert claiming.claim(AttemptKey(job_id=job_id, epoch=0, token="t")) is None


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"instance": THERE},
        {"incarnation": "that of another boot"},
        {"instance": THERE, "incarnation": "both"},
    ],
    ids=str,
)
def test_a_job_is_not_begun_where_it_is_not_bound_to(elsewhere: dict[str, str]) -> None:
    job = bound()[0]
    holder = Holder(instance=HERE, incarnation=job.incarnation)

    assert claiming.claim(key_of(job), replace(holder, **elsewhere)) is None
    assert row(job.id).state == JobState.QUEUED
    assert claiming.claim(key_of(job), holder) is not None


def test_a_claim_returns_the_arguments_of_the_row() -> None:
    job = bound(args=(1, [2]), properties={"a": {"b": None}}, task="some.task")[0]

    claimed = claiming.claim(key_of(job))

    assert claimed is not None
    assert (claimed.args, claimed.properties) == ((1, [2]), {"a": {"b": None}})
    assert claimed.task == "some.task"


@on_postgresql
def test_of_many_workers_that_claim_one_message_at_once_one_runs_it() -> None:
    job = bound()[0]

    claimed = together([lambda: claiming.claim(key_of(job))] * 8)

    assert sum(one is not None for one in claimed) == 1
    assert row(job.id).attempts == 1

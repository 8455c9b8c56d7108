"""Groups of claims and ends: one transaction each, fenced run by run."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from django.db import DataError, Error
from django_celery_results.models import TaskResult

from offload.core.attempt_key import AttemptKey
from offload.core.states import JobState
from offload.db import database
from offload.jobs.groups import group_beginnings, group_endings
from offload.jobs.groups.group_endings import EndVerdict
from offload.models import Attempt
from offload.tracking import claiming, terminations
from offload.tracking.selectors import Holder
from tests.integration.jobs.groups.group_runs import FACTS_OF_ALL, begun, holder, prepared
from tests.integration.world import (
    FACTS,
    HERE,
    Told,
    bound,
    key_of,
    row,
)


def test_each_claim_has_its_own_token_and_the_row_that_a_single_claim_returns() -> None:
    asked = {key_of(job): FACTS_OF_ALL for job in bound(3, args=[1, "é"], properties={"a": None})}

    rows = group_beginnings.begin_all(asked, holder())

    for key in asked:
        found = row(key.job_id)
        assert (found.state, found.token, found.attempts) == (JobState.ACTIVE, key.token, 1)
        claimed = claiming.read(rows[key])
        assert (claimed.args, claimed.properties, claimed.attempts) == ((1, "é"), {"a": None}, 1)
        single = claiming.row_of(key)
        assert single is not None
        assert claimed == claiming.read(single)


def test_what_moved_on_is_left_out_and_the_others_begin() -> None:
    moved, stopped, mine = (key_of(job) for job in bound(3))
    terminations.stop([stopped.job_id])
    late = AttemptKey(job_id=moved.job_id, epoch=moved.epoch - 1, token=moved.token)

    rows = group_beginnings.begin_all(dict.fromkeys([late, stopped, mine], FACTS_OF_ALL), holder())

    assert list(rows) == [mine]
    assert row(moved.job_id).state == JobState.QUEUED


def test_a_message_of_another_incarnation_claims_nothing() -> None:
    key = key_of(bound()[0])

    rows = group_beginnings.begin_all(
        {key: FACTS_OF_ALL}, Holder(instance=HERE, incarnation="former")
    )

    assert (rows, row(key.job_id).state) == ({}, JobState.QUEUED)


def test_a_claim_whose_answer_was_lost_is_known_by_its_token_alone() -> None:
    key = key_of(bound()[0])
    group_beginnings.begin_all({key: FACTS_OF_ALL}, holder())
    other = AttemptKey(job_id=key.job_id, epoch=key.epoch, token="another")

    assert list(group_beginnings.begin_all({key: FACTS_OF_ALL}, holder())) == [key]
    assert group_beginnings.begin_all({other: FACTS_OF_ALL}, holder()) == {}
    assert row(key.job_id).attempts == 1


def test_a_claimed_job_that_shall_stop_is_not_granted_again_but_ends() -> None:
    key = key_of(bound()[0])
    group_beginnings.begin_all({key: FACTS_OF_ALL}, holder())
    terminations.stop([key.job_id])

    assert group_beginnings.begin_all({key: FACTS_OF_ALL}, holder()) == {}
    assert row(key.job_id).state == JobState.STOPPED


def test_a_run_that_may_not_run_again_is_marked_as_such_with_its_claim() -> None:
    once, again = (key_of(job) for job in bound(2))

    group_beginnings.begin_all(
        {once: replace(FACTS, reruns=False, rescue="elsewhere"), again: FACTS_OF_ALL}, holder()
    )

    assert (row(once.job_id).reruns, row(again.job_id).reruns) == (False, True)
    assert (row(once.job_id).rescue, row(again.job_id).rescue) == ("elsewhere", "")


def test_started_is_stored_with_the_claims_where_the_site_tracks_it(tracking: None) -> None:
    kept, silent = (key_of(job) for job in bound(2))

    group_beginnings.begin_all(
        {kept: FACTS_OF_ALL, silent: replace(FACTS, is_silent=True)}, holder()
    )

    found: Any = TaskResult.objects.get()
    assert (found.task_id, found.status, found.task_name) == (kept.job_id, "STARTED", FACTS.task)
    assert found.date_started is not None


def test_events_of_a_group_say_what_those_of_single_jobs_say(changes: list[Told]) -> None:
    runs = begun(2)
    ids = [run.id for run in runs]
    begins = [one for one in changes if one.new == "ACTIVE"]
    assert sorted(begins) == sorted(Told(one, "QUEUED", "ACTIVE", 1) for one in ids)
    changes.clear()

    group_endings.end_all([prepared(run) for run in runs])

    assert sorted(changes) == sorted(Told(one, "ACTIVE", "SUCCEEDED", 1) for one in ids)


def test_a_claim_that_began_nothing_leaves_no_trace_but_waits_again() -> None:
    [run] = begun(1)

    group_beginnings.undo(run.key)

    found = run.row
    assert (found.state, found.attempts, found.started_at) == (JobState.PENDING, 0, None)
    assert not Attempt.objects.exists()
    group_beginnings.undo(run.key)
    assert run.row.attempts == 0


def test_a_claim_that_began_nothing_and_shall_stop_ends() -> None:
    [run] = begun(1)
    terminations.stop([run.id])

    group_beginnings.undo(run.key)

    assert run.row.state == JobState.STOPPED


@pytest.mark.parametrize("value", [None, {"width": 1280}, "é\n", [1, 2.5, True]])
def test_an_end_in_a_group_stores_what_a_single_end_stores(value: object) -> None:
    run, other = begun(2)

    verdicts = group_endings.end_all([prepared(run, value), prepared(other, "other")])

    assert verdicts == {run.id: EndVerdict.WRITTEN, other.id: EndVerdict.WRITTEN}
    assert (run.row.state, run.row.result) == (JobState.SUCCEEDED, value)
    assert (run.row.aftermath_due, run.row.finished_at is not None) == (False, True)
    kept: Any = TaskResult.objects.get(task_id=run.id)
    assert (kept.status, json.loads(kept.result)) == ("SUCCESS", value)
    assert (kept.task_name, kept.worker) == (FACTS.task, FACTS.worker)


def test_only_current_attempts_end_and_an_end_that_is_sent_again_is_known() -> None:
    run, lost = begun(2)
    end, stale = prepared(run, 1), prepared(lost, 2)
    group_beginnings.undo(lost.key)
    assert group_endings.end_all([end])[run.id] is EndVerdict.WRITTEN

    verdicts = group_endings.end_all([end, stale])

    assert verdicts == {run.id: EndVerdict.WRITTEN, lost.id: EndVerdict.STALE}
    assert lost.row.state == JobState.PENDING
    assert not TaskResult.objects.filter(task_id=lost.id).exists()


def test_a_value_that_the_database_refuses_ends_its_job_and_no_other() -> None:
    run, spoilt = begun(2)
    bad = replace(prepared(spoilt), result="\0")
    if database.vendor() == "postgresql":
        with pytest.raises(DataError):
            group_endings.end_all([prepared(run, 1), bad])
        assert run.row.state == JobState.ACTIVE

    assert group_endings.fail(spoilt.key, Error("refused")) is EndVerdict.WRITTEN

    assert (spoilt.row.state, spoilt.row.failures) == (JobState.ERROR, 1)
    assert "refused" in spoilt.row.error
    assert group_endings.fail(spoilt.key, Error("refused")) is EndVerdict.STALE


@pytest.mark.parametrize("facts", [{"has_tail": True, "tail": {"chain": []}}])
def test_a_job_with_something_to_follow_needs_an_end_of_its_own(facts: dict[str, Any]) -> None:
    [run] = begun(1)
    followed = replace(run.claimed, **facts)

    assert group_endings.prepared(replace(run.ending, claimed=followed), 1) is None


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_a_value_that_could_spoil_its_group_needs_an_end_of_its_own(value: str) -> None:
    [run] = begun(1)
    found = group_endings.prepared(run.ending, value)

    assert found is None or "\\u" in (found.result or "")

"""jobs: a list that is narrowed, of 80 columns, and whole for programs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError

from offload.core.retries import Cause, decide
from offload.fleet.snapshots import snapshot
from offload.tracking import finishing, terminations
from tests.integration.management.listed import ids, requeue
from tests.integration.world import (
    BROKE,
    HERE,
    THERE,
    age,
    bound,
    join,
    running,
    waiting,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = Callable[..., str]
    Answered = Callable[..., Any]


def test_jobs_are_listed_the_newest_first(said: Said, answered: Answered) -> None:
    stored = waiting(3)
    assert ids(answered("jobs")) == stored[::-1]
    assert ids(answered("jobs", "--limit", "2")) == stored[:0:-1]
    assert all(job_id in said("jobs") for job_id in stored)


def test_jobs_are_narrowed_by_topic(answered: Answered) -> None:
    (web,), (deep,), (other,) = (waiting(topic=one) for one in ("dam/web", "dam/a/b", "Dam/web"))
    assert ids(answered("jobs", "--topic", "dam/web")) == [web]
    assert ids(answered("jobs", "--topic", "dam/*")) == [web]
    assert set(ids(answered("jobs", "--topic", "dam/**"))) == {web, deep}
    assert set(ids(answered("jobs", "--topic", "**"))) == {web, deep, other}
    assert ids(answered("jobs", "--topic", "*")) == []


def test_jobs_are_narrowed_by_state_and_query_type(answered: Answered) -> None:
    join()
    run = running()
    stopped, (idle,) = waiting(), waiting()
    terminations.stop(stopped)
    assert ids(answered("jobs", "--state", "pending")) == [idle]
    assert ids(answered("jobs", "--state", "ACTIVE")) == [run.id]
    assert ids(answered("jobs", "--state", "ended")) == stopped
    assert ids(answered("jobs", "--state", "open")) == [idle, run.id]
    assert ids(answered("jobs", "--state", "stopped,active")) == [stopped[0], run.id]


def test_a_state_means_exactly_that_state(answered: Answered) -> None:
    join()
    queued = bound()[0].id
    (idle,) = waiting()
    assert ids(answered("jobs", "--state", "queued")) == [queued]
    assert ids(answered("jobs", "--state", "pending")) == [idle]
    assert ids(answered("jobs", "--state", "waiting")) == [idle, queued]


def test_jobs_are_narrowed_by_queue_error_and_age(answered: Answered) -> None:
    failed, old, other = waiting(2) + waiting(queue="slow")
    terminations.give_up([failed], state="ERROR", error_type="shop.OutOfPaper", error="Fill tray 2")
    age([old], "created_at", seconds=7200)
    assert ids(answered("jobs", "--queue", "slow")) == [other]
    assert ids(answered("jobs", "--error", "outofpaper")) == [failed]
    assert ids(answered("jobs", "--error", "tray")) == [failed]
    assert ids(answered("jobs", "--state", "failed")) == [failed]
    assert ids(answered("jobs", "--since", "1h")) == [other, failed]


def test_jobs_show_errors_and_how_long_they_ran_in_80_columns(
    said: Said, answered: Answered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    join()
    run = running()
    decision = decide(
        snapshot().default.retry, cause=Cause.FAILED, failures=0, crashes=0, final=True
    )
    age([run.id], "started_at", seconds=90)
    finishing.fail(run.key, decision, BROKE, aftermath=False)
    waiting(topic="/".join(["segment"] * 20))
    lines = said("jobs").splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["job", "state", "topic", "instance", "age", "took"]
    assert f"{run.id[-12:]}  ERROR" in said("jobs")
    assert "1.5 m" in said("jobs")
    assert lines[-1].strip() == "ValueError: no"
    assert answered("jobs")[1]["took"] >= 90


def test_a_job_loses_no_word_in_80_columns(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    name = "render-of-the-night-shift@gpu-box-number-17.example"
    join(name, consumers=[{"pattern": "dam/**", "task": "marketing.rendition.tasks.thumbnail"}])
    run = running(name)
    broke = replace(BROKE, message="the licence server of hall 17 said no")
    requeue(run, broke)
    told = said("job", run.id)
    assert max(map(len, told.splitlines())) <= 80
    assert "the licence server of hall 17 said no" in told
    words = ("attempt", "1", "failed", "render-of-the-night-shift@", "gpu-box-number-17.example")
    assert all(word in told.split() for word in words)
    monkeypatch.setenv("COLUMNS", "160")
    wide = said("job", run.id)
    assert "the licence server of hall 17 said no" in wide


def test_jobs_are_narrowed_by_instance(said: Said, answered: Answered) -> None:
    join()
    run = running()
    waiting()
    assert ids(answered("jobs", "--instance", HERE)) == [run.id]
    join(THERE)
    assert "There is no such job." in said("jobs", "--instance", THERE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--state", "lost"], "'lost' is not a state; write one of pending"),
        (["--state", "active,"], "is not a state"),
        (["--limit", "0"], "not a whole number from 1"),
        (["--topic", "a/*/b"], "is not a pattern"),
    ],
)
def test_jobs_refuses_what_it_cannot_look_for(
    said: Said, arguments: list[str], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        said("jobs", *arguments)


def test_a_list_says_that_there_are_more(said: Said, answered: Answered) -> None:
    waiting(3)
    assert "There are more than these 2; --limit shows more." in said("jobs", "--limit", "2")
    assert "more" not in said("jobs", "--limit", "3")
    assert len(answered("jobs", "--limit", "2")) == 2


def test_a_list_says_when_jobs_are_due(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting(delay=7200)
    waiting()
    for width in ("80", "160"):
        monkeypatch.setenv("COLUMNS", width)
        assert said("jobs").count("PENDING, due in 2 h") == 1

"""Recent failures by topic and error."""

from __future__ import annotations

import pytest

from offload.core.states import JobState
from offload.core.validation.bounds import DAY_SECONDS, HOUR_SECONDS
from offload.db import database
from offload.jobs import endings
from offload.reading.cluster import failures
from offload.tracking import terminations
from tests.integration.world import age, join, running, waiting

HOURS = 3600.0


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def failed(count: int, *, error_type: str = "builtins.ValueError", **facts: str) -> list[str]:
    """Return jobs that were given up just now."""
    ids = waiting(count, **facts)
    terminations.give_up(ids, state="GIVEN_UP", error_type=error_type, error="no\nmore")
    return ids


def test_where_nothing_failed_there_is_nothing() -> None:
    run = running()
    endings.succeed(run.ending, 1)
    stopped = waiting()
    terminations.stop(stopped)

    assert failures.recent() == failures.Failures()


def test_failures_are_counted_by_topic_and_error_over_an_hour_and_a_day() -> None:
    mine = failed(3)
    others = failed(2, topic="dam/x", error_type="shop.Broken")
    age(mine[:2], "finished_at", seconds=2 * HOURS)
    age(others[:1], "finished_at", seconds=25 * HOURS)

    found = failures.recent()

    assert (found.hour, found.day, found.is_capped) == (2, 4, False)
    assert [(one.topic, one.name, one.hour, one.day) for one in found.lines] == [
        ("dam/rendition/web", "ValueError", 1, 3),
        ("dam/x", "Broken", 1, 1),
    ]
    assert found.lines[0].job_id == mine[2]
    assert found.lines[0].error == "no\nmore"
    assert 0 <= found.lines[0].seconds_ago < 60
    assert found.of_topic("dam/x") == found.lines[1:]


def test_the_newest_of_a_line_speaks_for_it() -> None:
    first, second = failed(2)
    age([second], "finished_at", seconds=60)

    assert failures.recent().lines[0].job_id == first


def test_a_job_that_was_not_begun_in_time_has_failed_too() -> None:
    waiting(expires_in=0)
    terminations.expire()
    failed(1, error_type="")

    names = {one.state: one.name for one in failures.recent().lines}

    assert names == {JobState.EXPIRED: "expired", JobState.GIVEN_UP: "no"}


def test_of_very_many_failures_the_newest_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "FAILURES_READ_MAX", 3)
    failed(4)

    found = failures.recent()

    assert (found.day, found.is_capped) == (3, True)


def test_the_question_reads_an_index_of_failed_jobs_alone() -> None:
    explain = "EXPLAIN QUERY PLAN " if database.vendor() == "sqlite" else "EXPLAIN "
    with database.atomic():
        if database.vendor() == "postgresql":
            database.execute("SET LOCAL enable_seqscan = off")
        plan = database.rows(
            explain + failures._question(),
            {"hour": -HOUR_SECONDS, "day": -DAY_SECONDS},
        )

    assert "offload_job_failed" in str(plan)

"""Stopping, retrying and removing jobs by a verb is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from offload.tracking import terminations
from tests.integration.world import TOPIC, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = Callable[..., str]
    Answered = Callable[..., Any]


def test_a_change_of_one_job_is_found_by_its_topic_too(said: Said, answered: Answered) -> None:
    (job,) = waiting(1)

    said("stop", "--topic", TOPIC, "--yes")

    (record,) = answered("changes", "--of", TOPIC)
    assert record["subject"] == job


@pytest.mark.parametrize(
    ("verb", "action"),
    [
        (["stop"], "stop"),
        (["stop", "--force"], "stop by force"),
        (["remove"], "remove"),
        (["retry", "--state", "failed"], "retry"),
    ],
)
def test_a_change_of_jobs_is_recorded_with_its_reason(
    said: Said, answered: Answered, verb: list[str], action: str
) -> None:
    ids = waiting(2)
    if action == "retry":
        terminations.give_up(ids, state="GIVEN_UP", error_type="shop.OutOfPaper", error="no paper")

    said(*verb, "--topic", TOPIC, "--dry-run")
    assert answered("changes") == []
    said(*verb, "--topic", TOPIC, "--note", "the printer burns", "--yes")

    (record,) = answered("changes", "--of", TOPIC)
    assert (record["action"], record["kind"], record["entrance"]) == (action, "job", "terminal")
    assert record["text"].endswith("): the printer burns.")
    assert "2 jobs" in record["text"]
    assert all(one in record["text"] for one in ids)

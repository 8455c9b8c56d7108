"""Ends from outside: who lost the answer may ask again."""

from __future__ import annotations

from typing import Any

import pytest

import offload
from offload.core.exceptions import StaleAttempt
from offload.core.states import JobState
from offload.jobs import async_completion, endings
from tests.integration.world import join, running


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def handed(value: object = None) -> tuple[Any, str]:
    run = running()
    assert endings.hand_over(run.ending, 3600) is JobState.ACTIVE
    return run, async_completion.token_of(run.key)


@pytest.mark.parametrize("value", [None, 7, {"a": [1, None]}, float("nan"), "x" * 100])
def test_who_lost_the_answer_to_an_end_may_ask_again(value: object) -> None:
    run, token = handed()

    offload.complete(token, value)
    offload.complete(token, value)
    with pytest.raises(StaleAttempt):
        offload.complete(token, "other")
    with pytest.raises(StaleAttempt):
        offload.fail(token, "no")

    assert run.row.state == JobState.SUCCEEDED


def test_who_lost_the_answer_to_a_failure_may_ask_again() -> None:
    run, token = handed()

    offload.fail(token, "no licence", retry=False)
    offload.fail(token, "no licence", retry=False)
    with pytest.raises(StaleAttempt):
        offload.fail(token, "another", retry=False)
    with pytest.raises(StaleAttempt):
        offload.complete(token, 7)

    assert (run.row.state, run.row.failures) == (JobState.ERROR, 1)


def test_any_message_of_a_failure_is_kept_as_text() -> None:
    run, token = handed()

    offload.fail(token, 7, retry=False)  # type: ignore[arg-type]

    assert run.row.error == "7"

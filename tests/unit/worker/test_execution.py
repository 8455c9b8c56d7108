"""Ends that cannot be stored."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django.db import DataError

from offload.core.outcomes import Failed, Succeeded
from offload.core.retries import Cause
from offload.worker import execution

if TYPE_CHECKING:
    import pytest


def test_an_end_the_database_will_not_have_is_a_failed_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[Any] = []

    def finish(task: object, job: object, facts: object, outcome: object) -> str:
        if isinstance(outcome, Succeeded):
            raise DataError("value too long")
        written.append(outcome)
        return "finished"

    monkeypatch.setattr(execution, "finish", finish)
    attempt: Any = SimpleNamespace(job=SimpleNamespace(id="a"), facts=None)
    nothing: Any = None

    assert execution._finish(nothing, attempt, Succeeded(1)) == "finished"  # type: ignore[comparison-overlap]

    (outcome,) = written
    assert isinstance(outcome, Failed)
    assert (outcome.cause, outcome.error.type) == (Cause.FAILED, "DataError")

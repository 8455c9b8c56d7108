"""Ends that cannot be stored."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from django.db import DataError, IntegrityError

from offload.core.outcomes import Failed, Requeued, Succeeded
from offload.core.retries import Cause
from offload.worker.pool import execution

if TYPE_CHECKING:
    from offload.core.outcomes import Outcome

#: The end to write, the error of the database or an encoder, and the resulting failure.
CASES = {
    "a result the database will not have": (
        Succeeded(1), DataError("too long"), ("InvalidValue", "too long", True),
    ),
    "a result that is no JSON, though its backend takes it": (
        Succeeded(object()), TypeError("no JSON"), ("InvalidValue", "of type object", True),
    ),
    "arguments of a retry": (
        Requeued(delay=0), TypeError("no JSON"), ("WrongCall", "self.retry()", True),
    ),
    "what another attempt may store": (
        Succeeded(1), IntegrityError("taken"), ("IntegrityError", "taken", False),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("outcome", "problem", "wanted"), list(CASES.values()), ids=list(CASES))
def test_an_end_that_cannot_be_stored_is_a_failure_and_final_where_its_value_is_why(
    monkeypatch: pytest.MonkeyPatch,
    outcome: Outcome,
    problem: Exception,
    wanted: tuple[str, str, bool],
) -> None:
    written: list[Any] = []

    def finish(task: object, job: object, facts: object, given: object) -> str:
        if given is outcome:
            raise problem
        written.append(given)
        return "finished"

    monkeypatch.setattr(execution, "finish", finish)
    attempt: Any = SimpleNamespace(job=SimpleNamespace(id="a"), facts=None)
    nothing: Any = None

    finished: Any
    finished, error = execution._finish(nothing, attempt, outcome, None)

    (failed,) = written
    assert finished == "finished"
    assert isinstance(failed, Failed)
    kind, told, final = wanted
    assert (failed.cause, failed.error.type, failed.final) == (Cause.FAILED, kind, final)
    assert type(error).__name__ == kind
    assert told in failed.error.message

"""The doctor on runs that were not undone wholly, until somebody says that they did it by hand."""

from __future__ import annotations

from functools import partial

import pytest
from celery import chain
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import autodiscover_modules

from offload.core.exceptions import RunRefused, UnknownStep
from offload.db import database
from offload.diagnostics import runs
from offload.models import Run
from offload.operations import run_previews
from offload.operations import runs as changes
from offload.reading.runs.run_page import page
from offload.workflows import RunHandle, definitions, start, step, workflow

#: The columns of a run that failed.
FAILED = {"state": "FAILED"}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> RunHandle:
    """Return a run that failed, with a step that was done and one that could not be undone."""
    autodiscover_modules(*definitions.WORKFLOW_MODULES)
    monkeypatch.setattr(definitions, "defined", {})
    workflow("trip")(
        lambda: chain(
            step("voyage/book", called="the car", compensate="voyage/cancel"),
            step("voyage/pay", called="pay", on_error="compensate"),
        )
    )
    made = start("trip", by="ada")
    plan = {
        "the car": ["SUCCEEDED", "", "", None], "pay": ["FAILED", "", "", None],
        "undo the car": ["FAILED", "", "no way back", None],
    }  # fmt: skip
    Run.objects.update(plan=plan, not_undone=1, **FAILED)
    return made


def test_what_was_not_undone_is_named_until_somebody_undid_it(run: RunHandle) -> None:
    [found] = runs.examine()

    assert found.fact == (
        f"Run {run.id} of trip, started by ada, failed and was not undone wholly: the car. "
        "What undoes the car is FAILED: no way back."
    )
    assert f"manage.py offload runs undone {run.id} 'the car'\n" in found.next_step
    effects = run_previews.preview(run.id, partial(changes.undone, step="the car"))
    assert [str(one) for one in effects] == ["undo the car: FAILED → SUCCEEDED"]
    run.undone("the car", note="called them")

    assert list(runs.examine()) == []
    assert page(run.row).not_undone == ()
    assert run.plan["undo the car"].note == "undone by hand: called them"
    assert run.restart().plan["the car"].state == "RUNNING"


def test_only_what_was_not_undone_can_be_undone_by_hand(run: RunHandle) -> None:
    with pytest.raises(RunRefused, match="has nothing left to undo of pay"):
        run.undone("pay")
    with pytest.raises(UnknownStep):
        run.undone("cart")
    assert run.row.not_undone == 1


def test_of_many_runs_that_were_not_undone_the_newest_are_named() -> None:
    for number in range(runs.MOST + 2):
        Run.objects.create(id=f"run{number}", workflow="w", not_undone=1, state="FAILED")

    with CaptureQueriesContext(connections[database.alias()]) as asked:
        *named, rest = runs.examine()

    assert len(named) == runs.MOST
    newest = named[0].fact
    assert newest == f"Run run{runs.MOST + 1} of w was not undone wholly, and cannot be read."
    assert rest.fact == "2 older runs were not undone wholly either."
    assert sum('not_undone" >' in one["sql"] for one in asked) == 2

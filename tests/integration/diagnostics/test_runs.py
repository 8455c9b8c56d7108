"""The doctor on runs that were not undone wholly: the newest by name, the others counted."""

from __future__ import annotations

from django.db import connections
from django.test.utils import CaptureQueriesContext

from offload.db import database
from offload.diagnostics import runs
from offload.models import Run


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

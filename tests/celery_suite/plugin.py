"""A pytest plugin for the suite: uses our app and a worker elsewhere, and keeps outcomes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from celery.contrib import pytest as fixtures
from celery.contrib.testing.app import setup_default_app
from celery.utils import nodenames
from django.apps import apps

import offload
from offload.messaging import installation
from tests.celery_suite import app as site
from tests.celery_suite import expectations
from tests.celery_suite.outcomes import Outcome, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

XPASS = "[XPASS(strict)]"
#: How much longer than it says the suite waits for jobs: it runs four times at once, on any
#: machine. On stock it waits as long as it says, and for several results in vain.
TIMEOUT_FACTOR = 3
EXPECTED = expectations.read()


@pytest.fixture(scope="session")
def celery_session_app() -> Celery:
    """Return the app that the worker runs."""
    return site.app


@pytest.fixture(scope="session")
def celery_session_worker() -> None:
    """Leave the tasks to the worker that runs already."""


@pytest.fixture
def celery_app(request: pytest.FixtureRequest) -> Iterator[Celery]:
    """Return an app of the test's own; what the test left to be done is stopped."""
    mark = request.node.get_closest_marker("celery")
    made = site.made(**(mark.kwargs if mark else {}))
    with setup_default_app(made):
        yield made
    if site.IS_JOBS:
        for job_id in apps.get_model("offload", "Job").objects.unfinished().values_list("pk"):
            offload.stop(job_id[0], force=True)
        installation.remember(site.app, module=site.__name__)


@pytest.fixture(autouse=True)
def patient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test of jobs wait longer for what comes, save one that is known to wait in vain."""
    limit = getattr(request.module, "TIMEOUT", None)
    if site.IS_JOBS and limit and request.node.nodeid not in EXPECTED.listed():
        monkeypatch.setattr(request.module, "TIMEOUT", limit * TIMEOUT_FACTOR)


# The suite's conftest takes these by their names, after this module is imported.
for name in ("celery_session_app", "celery_session_worker", "celery_app"):
    setattr(fixtures, name, globals()[name])
# It expects the worker in its own process.
vars(nodenames)["anon_nodename"] = lambda: os.environ["SUITE_WORKER"]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write down what became of a test."""
    if report.when == "call" or report.outcome != "passed":
        outcome = Outcome(
            outcome=_outcome(report),
            why=_why(report),
            seconds=round(report.duration, 1),
            is_flaky="flaky" in report.keywords,
        )
        write(Path(os.environ["SUITE_OUTCOMES"]), report.nodeid, outcome)


def _outcome(report: pytest.TestReport) -> str:
    if XPASS in str(report.longrepr):
        return "xpassed"
    return "xfailed" if hasattr(report, "wasxfail") and report.skipped else report.outcome


def _why(report: pytest.TestReport) -> str:
    crash: Any = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr or "")[:300]

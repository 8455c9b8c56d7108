"""Waits that cannot be, and calls of them outside workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord

from offload.core.exceptions import (
    ConfigurationError,
    InvalidDelay,
)
from offload.jobs import endings
from offload.models import Job, Run
from offload.workflows import (
    approval,
    definitions,
    event,
    start,
    step,
    until,
    workflow,
)
from tests.integration.workflows import leading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named
from tests.integration.workflows.waits import HOUR


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, app: Celery) -> Iterator[None]:
    """Let every test define what it likes, with jobs that make files."""
    monkeypatch.setattr(definitions, "WORKFLOW_MODULES", ())
    monkeypatch.setattr(definitions, "defined", {})
    leading.register(app)
    yield
    leading.BROKEN.clear()


@pytest.mark.parametrize(
    ("made", "error", "told"),
    [
        (lambda: approval("May it?", permission="publish"), ConfigurationError, "is no permission"),
        (lambda: approval("x" * 256), ConfigurationError, "has 256 characters"),
        (lambda: approval(7), ConfigurationError, "of type int, not a text"),  # type: ignore[arg-type]
        (lambda: approval(within=-1), InvalidDelay, "within"),
        (lambda: approval(on_error="never"), ConfigurationError, "is neither 'fail'"),
        (lambda: until(5), ConfigurationError, "neither a datetime nor"),  # type: ignore[arg-type]
        (lambda: until(HOUR, since="monday"), ConfigurationError, "neither 'step' nor 'run'"),
        (lambda: until(-HOUR), InvalidDelay, "moment"),
        (lambda: event(" "), ConfigurationError, "has no name"),
        (lambda: chain(approval(), approval()), ConfigurationError, "two steps are called"),
        (lambda: approval(inputs=["a.txt"]), ConfigurationError, "which nobody makes"),
        (lambda: approval(called="x" * 300), ConfigurationError, "has 300 letters"),
    ],
)
def test_what_cannot_wait_is_refused_and_starts_nothing(
    driver: Driver, made: Any, error: type[Exception], told: str
) -> None:
    workflow("made")(made)

    with pytest.raises(error, match=told):
        start("made")
    assert not Run.objects.exists()


def test_only_a_run_of_a_graph_can_wait(driver: Driver, plain: Named) -> None:
    workflow("mixed")(lambda: chain(plain.add.starmap([(1, 2)]), approval()))

    with pytest.raises(ConfigurationError, match="step 'approval'"):
        start("mixed")
    with pytest.raises(ConfigurationError, match="which only a run of a workflow can do"):
        approval().apply_async()
    assert not Job.objects.exists()


def test_two_ends_at_once_begin_what_follows_once(driver: Driver) -> None:
    """A step ends while another waits: both are taken into the plan."""
    workflow("both")(
        lambda: chord([step("jobs/add", called="a", x=1), approval()], step("jobs/same"))
    )
    run = start("both")
    ending = driver.claim(run.plan["a"].job)
    run.approve("approval", by="ada")
    endings.succeed(ending, 1)
    driver.run_all()

    assert run.result(5) == [1, {"by": "ada", "note": ""}]
    assert Job.objects.count() == 2

"""Steps that wait for a token, an event or a time: the first end counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, group
from django.utils import timezone

import offload
from offload.core.exceptions import (
    AlreadyDecided,
    ConfigurationError,
    InvalidToken,
    InvalidValue,
    RunRefused,
    UnknownRun,
)
from offload.models import StepWait
from offload.runs import deciding
from offload.runs.step_tokens import token_of
from offload.workflows import (
    RunState,
    definitions,
    event,
    hand_over,
    send_event,
    step,
    until,
)
from tests.integration.workflows import leading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.integration.driving.driver import Driver
from tests.integration.workflows.waits import HOUR, pass_time, started, states


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, app: Celery) -> Iterator[None]:
    """Let every test define what it likes, with jobs that make files."""
    monkeypatch.setattr(definitions, "WORKFLOW_MODULES", ())
    monkeypatch.setattr(definitions, "defined", {})
    leading.register(app)
    yield
    leading.BROKEN.clear()


def test_a_token_ends_a_step_with_a_value_or_an_error(driver: Driver) -> None:
    run = started(lambda: group(hand_over(called="one"), hand_over(called="two")), driver)

    offload.complete(run.token("one"), {"frames": (1, 2)})
    offload.complete(run.token("one"), {"frames": [1, 2]})
    offload.fail(run.token("two"), "no licence")
    offload.fail(run.token("two"), "no licence")

    assert states(run) == ["SUCCEEDED", "FAILED"]
    assert run.plan["two"].note == "failed: no licence"
    with pytest.raises(AlreadyDecided, match="has step one completed"):
        offload.complete(run.token("one"), 3)
    with pytest.raises(AlreadyDecided, match="has step two failed: no licence"):
        offload.complete(run.token("two"), 3)


def test_a_token_is_of_this_site_and_of_a_step_that_waits_for_it(
    driver: Driver, settings: Any
) -> None:
    run = started(lambda: chain(step("jobs/add", called="a", x=1), hand_over()), driver)
    token = run.token("hand-over")

    with pytest.raises(RunRefused, match="no step a that waits for a token"):
        run.token("a")
    with pytest.raises(InvalidToken, match="no progress"):
        offload.progress(token, 1, 2)
    with pytest.raises(InvalidValue, match="of type object"):
        offload.complete(token, {"x": object()})
    settings.SECRET_KEY, old = "another", settings.SECRET_KEY
    with pytest.raises(InvalidToken, match="of another site, or changed"):
        offload.complete(token)
    with pytest.raises(UnknownRun):
        offload.complete(token_of("gone", "a"))

    settings.SECRET_KEY_FALLBACKS = [old]
    offload.complete(token, 5)

    assert run.result(5) == 5


def test_an_event_ends_all_that_wait_for_it_and_the_first_one_counts(driver: Driver) -> None:
    made = lambda: chain(event("paid/7", called="paid"), step("jobs/same", called="b"))  # noqa: E731
    one, two = started(made, driver), started(made, driver)

    assert send_event("paid/8", 1) == []
    assert send_event("paid/7", {"sum": 5}) == [(one, "paid"), (two, "paid")]
    assert send_event("paid/7", {"sum": 9}) == []
    driver.run_all()

    assert [run.result(5) for run in (one, two)] == [{"sum": 5}] * 2
    assert one.plan["paid"].note == "sent"


def test_an_event_can_be_for_one_run_or_for_the_first_that_waits(driver: Driver) -> None:
    made = lambda: event("paid")  # noqa: E731
    runs = [started(made, driver) for _ in range(3)]

    assert send_event("paid", run=runs[1]) == [(runs[1], "paid")]
    assert send_event("paid", first=True) == [(runs[0], "paid")]
    assert [run.state for run in runs] == ["SUCCEEDED", "SUCCEEDED", "RUNNING"]
    with pytest.raises(ConfigurationError, match="it has no name"):
        send_event("")
    with pytest.raises(InvalidValue):
        send_event("paid", object())
    assert runs[2].state is RunState.RUNNING


def test_a_time_ends_a_step_and_results_flow_past_it(driver: Driver) -> None:
    run = started(
        lambda: chain(step("jobs/same", called="a", value=5), until(HOUR), step("jobs/same")),
        driver,
    )
    assert deciding.end_due() == 0
    assert run.plan["until"].note == "waits for 1 h from when it is due"

    pass_time(run)
    assert deciding.end_due() == 1
    assert deciding.end_due() == 0
    driver.run_all()

    assert run.result(5) == 5
    assert run.plan["until"].note == "reached"


def test_a_moment_that_has_passed_ends_its_step_at_the_next_look(driver: Driver) -> None:
    run = started(lambda: until(timezone.now() - HOUR), driver)

    assert deciding.end_due() == 1
    assert run.state is RunState.SUCCEEDED


def test_a_delay_may_begin_with_the_run(driver: Driver) -> None:
    run = started(lambda: chain(step("jobs/add", x=1), until(HOUR, since="run")), driver)

    wait = StepWait.objects.get()
    assert (wait.due_at - run.row.created_at) == HOUR  # type: ignore[operator]
    assert run.plan["until"].note == "waits for 1 h from the start of the run"

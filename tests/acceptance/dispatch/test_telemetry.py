"""Traces, errors and the context of logs go with a job, as docs/celery.md says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from offload import JobHandle
from tests.acceptance.fleet import script
from tests.acceptance.site import consumers, tasks
from tests.acceptance.watching import add_queue, ended
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.acceptance.fleet import Fleet
    from tests.acceptance.place import Place

    Exported = Callable[[int, Callable[[Any], bool]], list[Any]]

#: One call of each kind: another process binds what is due later, and one is tried twice.
OPENTELEMETRY = """
import json, offload
from opentelemetry import trace
from tests.acceptance.site import tasks
with trace.get_tracer("view").start_as_current_span("view"):
    called = [
        tasks.add_job.apply_async((1, 2), countdown=0.1).id,
        offload.submit("acc/flaky", {"times": 1}, delay=0.1).id,
    ]
    tasks.plain.delay(3)
print(json.dumps(called))
"""
#: One call of each kind with the receiver of the page, and one without.
SENTRY = """
import json, offload, sentry_sdk
from celery.signals import before_task_publish
from tests.acceptance.site import tasks, telemetry
with sentry_sdk.start_transaction(name="view"):
    called = [
        tasks.job_boom.apply_async(countdown=0.1).id,
        offload.submit("acc/flaky", {"times": 9}, delay=0.1).id,
    ]
    tasks.plain.delay(3)
    before_task_publish.disconnect(telemetry.continue_trace)
    offload.submit("acc/quick")
print(json.dumps(called))
"""
#: One call of each kind, and two steps of which the first stores the second.
STRUCTLOG = """
import json, offload
from celery import chain
from structlog.contextvars import bound_contextvars
from tests.acceptance.site import telemetry
with bound_contextvars(request="r1"):
    called = [
        offload.submit("acc/context", delay=0.1).id,
        chain(telemetry.context_job.s(), telemetry.context_job.s()).delay().id,
    ]
    told = telemetry.context_plain.delay()
called += [telemetry.context_job.delay().id, told.id, told.get(timeout=30)]
print(json.dumps(called))
"""


@pytest.fixture
def exported(place: Place) -> Iterator[Exported]:
    """Return a function that returns what was exported, once so many things are runs."""
    file = place.folder / "telemetry"

    def look(runs: int, is_run: Callable[[Any], bool]) -> list[Any]:
        found = [json.loads(line) for line in file.read_text().splitlines()]
        return found if len([one for one in found if is_run(one)]) == runs else []

    yield lambda *wanted: eventually(lambda: look(*wanted), what=f"{wanted[0]} exported runs")
    file.unlink(missing_ok=True)


def run(fleet: Fleet, name: str, calls: str) -> Any:
    """Let a caller and a worker be set up as the page says; return what the caller prints."""
    fleet.start("a", concurrency=1, variables={"ACCEPTANCE_TELEMETRY": name})
    done = script(fleet.place, calls, ACCEPTANCE_TELEMETRY=name)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_trace_of_opentelemetry_goes_on_in_every_attempt(
    fleet: Fleet, exported: Exported
) -> None:
    jobs = run(fleet, "OpenTelemetry", OPENTELEMETRY)

    assert [ended(JobHandle(job)).attempts for job in jobs] == [1, 2]
    found = exported(4, lambda span: span["name"].startswith("run/"))
    spans = {span["id"]: span for span in found}
    [view] = [span for span in found if span["name"] == "view"]
    assert {span["trace"] for span in found} == {view["trace"]}
    runs = [span for span in found if span["name"].startswith("run/")]
    calls = [spans[one["above"]] for one in runs]
    assert {call["above"] for call in calls} == {view["id"]}
    assert sorted((call["name"], one["name"]) for call, one in zip(calls, runs, strict=True)) == [
        *[("apply_async/acc/flaky", f"run/{consumers.flaky.name}")] * 2,
        *((f"apply_async/{one.name}", f"run/{one.name}") for one in (tasks.add_job, tasks.plain)),
    ]


def test_sentry_hears_of_an_error_once_and_a_trace_goes_on_in_every_attempt(
    fleet: Fleet, exported: Exported
) -> None:
    add_queue("twice", ["acc/flaky"], retries=1, retry_delay=0)

    jobs = run(fleet, "Sentry", SENTRY)

    assert [ended(JobHandle(job)).attempts for job in jobs] == [1, 2]
    found = exported(6, lambda event: event.get("type") == "transaction")
    traces: dict[str, list[str]] = {}
    for event in found:
        traces.setdefault(event["contexts"]["trace"]["trace_id"], []).append(event["transaction"])
    flaky, boom = consumers.flaky.name, tasks.job_boom.name
    # Of each trace its transactions, and two errors.
    assert sorted(map(sorted, traces.values())) == [
        [flaky, flaky, flaky, boom, boom, tasks.plain.name, "view"],
        [consumers.quick.name],
    ]
    errors = [event["transaction"] for event in found if "exception" in event]
    assert sorted(errors) == [flaky, boom]


def test_the_context_of_structlog_is_bound_again_in_every_run(fleet: Fleet) -> None:
    submitted, chained, outside, plain, told = run(fleet, "structlog", STRUCTLOG)

    assert told == {"request": "r1", "task_id": plain}
    # At its second attempt.
    assert JobHandle(submitted).result(30) == {"request": "r1", "task_id": submitted}
    first, second = JobHandle(chained).result(30)
    assert second == {"request": "r1", "task_id": chained}
    assert first == {"request": "r1", "task_id": first["task_id"]}
    assert JobHandle(outside).result(30) == [{"task_id": outside}]

"""A run is stored with its canvas and files, or nothing of it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord, group
from django.utils.module_loading import autodiscover_modules

from offload.canvas.freezing import context
from offload.conf import settings
from offload.core.exceptions import (
    ConfigurationError,
    InvalidName,
    InvalidProperties,
    InvalidTopic,
    UnfitProperties,
)
from offload.models import Job, Payload, Run
from offload.models.stores import storage
from offload.workflows import definitions, start, step, workflow
from tests.integration.workflows.sums import totals
from tests.parameters import without_addresses

if TYPE_CHECKING:
    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let every test define what it likes, beside what the installed apps define."""
    autodiscover_modules(*definitions.WORKFLOW_MODULES)
    found: dict[str, Any] = dict(definitions.defined)
    monkeypatch.setattr(definitions, "defined", found)
    return found


def stored() -> set[str]:
    """Return the names of all files that payloads have."""
    there = storage(settings().storage)
    folders = there.listdir("")[0] if there.exists("") else []
    return {name for folder in folders for name in there.listdir(folder)[1]}


def test_a_run_is_its_steps(app: Celery, driver: Driver) -> None:
    workflow("totals")(totals)

    run = start("totals", user_data={"by": "me"}).row
    driver.run_all()

    assert [row.topic for row in run.jobs.order_by("created_at", "id")] == [
        "jobs/add", "jobs/add", "jobs/total",
    ]  # fmt: skip
    assert run.jobs.get(topic="jobs/total").result == 6
    assert Run.objects.get().user_data == {"by": "me"}
    assert run.is_finished


def test_a_workflow_says_that_its_steps_are_not_run_in_their_caller(app: Celery) -> None:
    workflow("totals")(totals)
    app.conf.task_always_eager = True
    try:
        with pytest.raises(ConfigurationError, match="CELERY_TASK_ALWAYS_EAGER"):
            start("totals")
    finally:
        app.conf.task_always_eager = False
    assert not Run.objects.exists()


def test_all_steps_share_the_files_of_the_run(driver: Driver) -> None:
    workflow("totals")(totals)

    run = start("totals", files={"original": b"content"}).row
    driver.run_all()

    payload = Payload.objects.get()
    assert run.payload == payload
    assert set(run.jobs.values_list("payload_id", flat=True)) == {payload.pk}
    with payload.files.get().open() as file:
        assert file.read() == b"content"


def test_a_step_with_plain_tasks_stays_in_the_run(
    app: Celery, plain: Named, driver: Driver
) -> None:
    workflow("mixed")(lambda: step("jobs/add", x=1) | plain.add.s(1) | step("jobs/add"))

    run = start("mixed").row
    driver.run_all()

    assert [row.kind for row in run.jobs.order_by("created_at", "id")] == ["job", "relay", "job"]
    assert run.is_finished


def test_the_canvas_stands_with_the_run(app: Celery) -> None:
    workflow("totals")(totals)

    canvas: Any = start("totals").row.canvas

    assert Run.objects.get().canvas == canvas
    assert canvas["kwargs"]["body"]["options"]["offload_topic"] == "jobs/total"


def test_a_run_started_by_a_job_is_not_part_of_its_run(app: Celery) -> None:
    workflow("totals")(totals)
    token = context.running.set(context.Running(id="outer", epoch=1))
    try:
        run = start("totals")
    finally:
        context.running.reset(token)

    assert {(row.run_id, row.parent_id) for row in Job.objects.all()} == {(run.id, "outer")}


@pytest.mark.usefixtures("app")
def test_a_run_that_cannot_start_leaves_nothing() -> None:
    def torn() -> Any:
        sound = step("jobs/add")
        sound.options["offload_topic"] = "no topic"
        return sound

    workflow("torn")(torn)
    before = stored()
    with pytest.raises(InvalidTopic):
        start("torn", files={"original": b"content"})

    assert not Run.objects.exists()
    assert not Job.objects.exists()
    assert stored() == before


@pytest.mark.usefixtures("app")
def test_bad_files_and_properties_are_refused() -> None:
    workflow("totals")(totals)

    with pytest.raises(InvalidName):
        start("totals", files={"../original": b""})
    with pytest.raises(InvalidProperties):
        start("totals", {"when": object()})
    with pytest.raises(InvalidProperties):
        step("jobs/add", x=object())
    with pytest.raises(InvalidTopic):
        step("jobs add")

    assert not Run.objects.exists()


@pytest.mark.usefixtures("app", "database_alias")
@pytest.mark.parametrize("made", [None, [], "report/whole"], ids=without_addresses)
def test_a_function_that_returns_no_canvas_starts_nothing(made: Any) -> None:
    workflow("none")(lambda: made)

    with pytest.raises(ConfigurationError, match=r"type \w+, which is no canvas\. Return a"):
        start("none")

    assert not Run.objects.exists()


@pytest.mark.usefixtures("app", "database_alias")
@pytest.mark.parametrize("properties", ["ab", [1], {"a": object()}], ids=without_addresses)
def test_parameters_of_a_run_are_an_object(properties: Any) -> None:
    workflow("totals")(totals)

    with pytest.raises(InvalidProperties):
        start("totals", properties)

    assert not Run.objects.exists()


@pytest.mark.parametrize(
    "made",
    [
        lambda: step("jobs/add", x=1, z=2),
        lambda: chain(step("jobs/add", x=1, z=2), step("jobs/total")),
        lambda: chord([step("jobs/add", x=1, z=2)], step("jobs/total")),
        lambda: chain(group(step("jobs/add", x=1), step("jobs/add", z=2)), step("jobs/total")),
    ],
    ids=["step", "chain", "chord", "group"],
)
def test_a_misspelt_property_of_a_first_step_is_refused(app: Celery, made: Any) -> None:
    workflow("misspelt")(made)

    with pytest.raises(
        UnfitProperties,
        match=r"jobs/add does not take 'z'; it takes y|jobs/add does not take 'z'; it takes x, y",
    ):
        start("misspelt", files={"a.txt": b"a"})

    assert not Run.objects.exists()
    assert not Job.objects.exists()


def test_a_later_step_takes_what_the_steps_before_it_return(app: Celery, driver: Driver) -> None:
    """Its names are those of a call with positional arguments, which nobody knows yet."""
    workflow("later")(lambda: chain(step("jobs/add", x=1), step("jobs/add")))
    run = start("later")
    driver.run_all()

    assert run.result(5) == 1

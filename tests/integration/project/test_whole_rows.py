"""The demo's rows of a run that went whole: what the other site says of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from offload.core.topics import RUN_TOPIC
from offload.models import Job
from offload.workflows import start
from project.dam.workflow import UPDATE_ASSET
from project.demo.account import Account, Moved
from project.demo.assets import Asset
from project.demo.ran import Ran
from project.demo.rows import rows_of
from project.demo.steps import STEPS
from project.demo.verification import problems
from project.demo.watch import Progress, cell, counted, steps_of
from tests.arranging import arrange

if TYPE_CHECKING:
    from pathlib import Path

    from offload.models import Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> Run:
    """Return a run that is one job at the other site."""
    run = start(UPDATE_ASSET, user_data={"file": "letter.png"}).row
    first, *others = run.jobs.all()
    Job.objects.filter(pk__in=[one.pk for one in others]).delete()
    facts = {"topic": RUN_TOPIC, "instance": "render/thumbs@demo", "finished_at": timezone.now()}
    arrange(Job.objects.filter(pk=first.pk), state="SUCCEEDED", **facts)
    return run


def told(run: Run, **facts: Any) -> Account:
    """Return what the other site says of the run: each step but the last ended like that."""
    job = run.jobs.get().pk
    usual: dict[str, Any] = {"of_job": job, "instance": "web@demo", **facts}
    ran = (
        Ran(topic=step.topic, properties={"width": step.box} if step.box else {}, **usual)
        for step in STEPS[:-1]
    )
    came = {"job": job, "transport": "http", "sent": 5, "saved": 0}
    moved = (
        Moved(direction="input", name="original", **came),
        Moved(direction="output", name="metadata.json", **came),
    )
    return Account(site="render", folder="", held=(), orphans=(), moved=moved, ran=tuple(ran))


def test_each_step_is_a_row_of_the_worker_there_and_the_original_goes_with_the_first(
    run: Run, tmp_path: Path
) -> None:
    asset = Asset(path=tmp_path / "a.png", name="a.png", is_ours=False)

    rows = rows_of(asset, run, tmp_path, [told(run, state="SUCCEEDED", seconds=0.5)])

    assert {(row.went, row.cluster, row.instance, row.seconds) for row in rows[:-1]} == {
        ("whole", "render", "web@demo", 0.5)
    }
    assert [row.bytes_sent for row in rows] == [10, 0, 0, 0, 0, 0]
    assert (rows[-1].state, rows[-1].cluster) == ("UNREACHED", "")


def test_a_file_that_cannot_be_read_is_refused_there_with_the_reason(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "letter.png"
    path.write_text("Dear all")
    asset = Asset(path=path, name=path.name, is_ours=False)

    rows = rows_of(asset, run, tmp_path, [told(run, state="ERROR", error="no image")])

    assert problems(asset, rows) == []


def test_while_it_is_on_its_way_its_one_job_stands_for_all_steps(run: Run) -> None:
    jobs = Progress(jobs={run.pk: list(run.jobs.all())}).jobs[run.pk]

    assert counted(jobs) == "went whole to render, which is SUCCEEDED"
    assert sum(map(steps_of, jobs)) == len(STEPS)
    assert {cell(step, jobs) for step in STEPS} == {"[green]render/thumbs[/]"}

"""From the jobs of a run to the rows of the report; their files are copied out."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from django.conf import settings
from PIL import Image

from offload.core.topics import RUN_TOPIC
from offload.core.transfers.descriptions import Direction
from offload.core.transfers.tickets import HELD
from offload.files import payloads
from offload.models import PayloadFile
from offload.workflows import RunHandle, StepState
from project.demo.ran import seconds_of
from project.demo.row import WHOLE, Row
from project.demo.steps import STEPS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from offload.core.workflows.plans import Entry
    from offload.models import Job, Run
    from project.demo.account import Account, Moved
    from project.demo.assets import Asset
    from project.demo.ran import Ran
    from project.demo.steps import Step


def rows_of(asset: Asset, run: Run, folder: Path, seen: Iterable[Account] = ()) -> list[Row]:
    """Return a row per step of the asset, with the files copied into `folder`.

    `seen` are the accounts of the sites.
    """
    jobs, plan = list(run.jobs.all()), RunHandle(run.id).plan
    moved = [one for account in seen for one in account.moved]
    if whole := next((job for job in jobs if job.topic == RUN_TOPIC), None):
        ran = [one for account in seen for one in account.ran if one.of_job == whole.pk]
        return whole_rows(asset, whole, ran, folder, [one for one in moved if one.job == whole.pk])
    rows = []
    for step in STEPS:
        job = job_of(step, jobs)
        row = row_of(asset, step, job, folder) if job else unmade(asset, step, plan.get(step.topic))
        rows.append(travelled(row, [one for one in moved if job and one.job == job.pk]))
    problem = (run.user_data or {}).get("problem")
    return [replace(row, error=problem) if problem and row.error else row for row in rows]


def travelled(row: Row, moved: list[Moved]) -> Row:
    """Return the row with how its files went to another site and came back."""
    ways = {one.transport for one in moved}
    return replace(
        row,
        transport=", ".join(sorted(ways - {HELD} or ways)),
        bytes_sent=sum(one.sent for one in moved),
        bytes_saved=sum(one.saved for one in moved),
    )


def job_of(step: Step, jobs: list[Job]) -> Job | None:
    """Return the job that is the step, if there is one."""
    return next((job for job in jobs if step.is_of(job)), None)


def unmade(asset: Asset, step: Step, entry: Entry | None) -> Row:
    """Return the row of a step that has no job, because of those before it."""
    state, why = (entry.state, entry.note) if entry else ("MISSING", "There is no job.")
    return Row(file=asset.name, topic=step.topic, cluster="", instance="", state=state, error=why)


def row_of(asset: Asset, step: Step, job: Job, folder: Path) -> Row:
    """Return the row of the step."""
    cluster, instance = whose(job.instance)
    return with_file(
        Row(
            file=asset.name,
            topic=job.topic,
            cluster=cluster,
            instance=instance,
            state=job.state,
            error=job.error,
            seconds=seconds_of(job),
        ),
        step,
        job,
        folder,
    )


def with_file(row: Row, step: Step, job: Job, folder: Path) -> Row:
    """Return the row with the step's file, which `job` has brought here, if there is one."""
    made = PayloadFile.objects.outputs().filter(job=job, name=step.output).first()
    if made is None:
        return row
    copied = copy_out(made, folder)
    width, height = size_of(copied) if step.box else (None, None)
    return replace(
        row,
        bytes=made.size,
        sha256=made.sha256,
        path=os.path.relpath(copied, settings.BASE_DIR),
        width=width,
        height=height,
    )


def whole_rows(
    asset: Asset, whole: Job, ran: list[Ran], folder: Path, moved: list[Moved]
) -> list[Row]:
    """Return the rows of a run that was one job here, `whole`, and was done by `ran` elsewhere.

    The original went there once, with the first step.
    """
    cluster, _ = whose(whole.instance)
    inputs = [one for one in moved if one.direction == Direction.INPUT]
    rows = []
    for step in STEPS:
        found = next((one for one in ran if step.is_of(one)), None)
        row = Row(
            file=asset.name,
            went=WHOLE,
            topic=step.topic,
            cluster=cluster if found else "",
            instance=found.instance if found else "",
            state=found.state if found else StepState.UNREACHED,
            error=found.error if found else "A step that it waits for failed.",
            seconds=found.seconds if found else None,
        )
        mine = [one for one in moved if one not in inputs and one.name == step.output]
        rows.append(travelled(with_file(row, step, whole, folder), [*inputs, *mine]))
        inputs = []
    return rows


def whose(instance: str) -> tuple[str, str]:
    """Return the site of an instance, and its nodename there; both are empty if there is none."""
    cluster, slash, nodename = instance.partition("/")
    return (cluster, nodename) if slash else (settings.SITE if instance else "", instance)


def copy_out(made: PayloadFile, folder: Path) -> Path:
    """Copy the file out of the storage, to where people find it by its name."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / made.name
    with target.open("wb") as file:
        payloads.copy(made, file)
    return target


def size_of(path: Path) -> tuple[int, int] | tuple[None, None]:
    """Return width and height of the image, or nothing if it is none."""
    try:
        with Image.open(path) as image:
            return image.size
    except OSError:
        return None, None


def folder_name(number: int, asset: Asset) -> str:
    """Return a name for the folder of the asset that every file system takes."""
    return f"{number:03d}-{re.sub(r'[^A-Za-z0-9._-]+', '_', asset.name)[:80]}"

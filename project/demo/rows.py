"""From the jobs of a run to the rows of the report; their files are copied out."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from django.conf import settings
from PIL import Image

from offload.files import payloads
from offload.models import PayloadFile
from project.demo.row import Row
from project.demo.steps import STEPS

if TYPE_CHECKING:
    from pathlib import Path

    from offload.models import Job, Run
    from project.demo.assets import Asset
    from project.demo.steps import Step


def rows_of(asset: Asset, run: Run, folder: Path) -> list[Row]:
    """Return a row per step of the asset, with the files copied into `folder`."""
    jobs = list(run.jobs.all())
    rows = [row_of(asset, step, job_of(step, jobs), folder) for step in STEPS]
    problem = run.properties.get("problem")
    return [replace(row, error=problem) if problem and row.error else row for row in rows]


def job_of(step: Step, jobs: list[Job]) -> Job | None:
    """Return the job that is the step, if there is one."""
    return next((job for job in jobs if step.is_of(job)), None)


def row_of(asset: Asset, step: Step, job: Job | None, folder: Path) -> Row:
    """Return the row of the step."""
    if job is None:
        return Row(
            file=asset.name,
            topic=step.topic,
            instance="",
            state="MISSING",
            error="There is no job.",
        )
    made = PayloadFile.objects.outputs().filter(job=job, name=step.output).first()
    copied = copy_out(made, folder) if made else None
    width, height = size_of(copied) if copied and step.box else (None, None)
    return Row(
        file=asset.name,
        topic=job.topic,
        instance=job.instance,
        state=job.state,
        error=job.error,
        seconds=seconds_of(job),
        bytes=made.size if made else None,
        sha256=made.sha256 if made else None,
        path=os.path.relpath(copied, settings.BASE_DIR) if copied else None,
        width=width,
        height=height,
    )


def seconds_of(job: Job) -> float | None:
    """Return how long the last attempt of the job ran."""
    if job.started_at is None or job.finished_at is None:
        return None
    return round((job.finished_at - job.started_at).total_seconds(), 3)


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

"""Verification of the demo by the files it left."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from django.conf import settings
from PIL import Image

from offload.core.states import JobState
from offload.core.transfers.tickets import HELD
from offload.workflows import StepState
from project.demo.row import WHOLE
from project.demo.source import source_of
from project.demo.steps import STEPS
from project.sites import RENDER, WORKERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from project.demo.assets import Asset
    from project.demo.row import Row
    from project.demo.source import Source
    from project.demo.steps import Step

#: States of the steps of a file that cannot be read; the last waits for the others.
REFUSED = (JobState.ERROR, StepState.UNREACHED)
#: Pixels by which rounding may move a side.
ROUNDING_PIXELS = 1


def problems(asset: Asset, rows: list[Row]) -> list[str]:
    """Return the problems of the asset's results, in sentences; empty if all is well."""
    source = source_of(asset.path)
    if source is None:
        found = refusal_problems(asset, rows)
    else:
        found = [
            problem
            for step, row in zip(STEPS, rows, strict=True)
            for problem in step_problems(step, row, source)
        ]
    return [f"{asset.name}: {problem}" for problem in found]


def refusal_problems(asset: Asset, rows: list[Row]) -> list[str]:
    """Return the problems of the refusal of an unreadable file."""
    if asset.is_ours:
        return ["this photograph comes with the project and cannot be read"]
    return [
        f"{row.topic} is {row.state} though the file cannot be read"
        for row in rows
        if row.state not in REFUSED or not row.error
    ]


def step_problems(step: Step, row: Row, source: Source) -> Iterator[str]:
    """Yield the problems of one step of a readable image."""
    if row.state != JobState.SUCCEEDED:
        yield f"{step.topic} ({step.label}) is {row.state}: {row.error}"
        return
    if step.topic not in WORKERS.get(row.cluster, {}).get(row.instance, ()):
        yield f"{step.topic} was run by {row.cluster}/{row.instance}, which was not allowed to"
    ways = ("http", HELD) if row.went == WHOLE else ("http",)
    if (row.cluster == RENDER) != (row.transport in ways and row.bytes_sent + row.bytes_saved > 0):
        yield f"{step.output} was made at {row.cluster}, and went by {row.transport or 'no way'}"
    if row.path is None:
        yield f"{step.output} does not exist"
        return
    path = settings.BASE_DIR / row.path
    yield from file_problems(path, row)
    yield from image_problems(path, step.box, source) if step.box else json_problems(path)


def file_problems(path: Path, row: Row) -> Iterator[str]:
    """Yield a problem if the file is not the one that the job recorded."""
    content = path.read_bytes()
    if len(content) != row.bytes or hashlib.sha256(content).hexdigest() != row.sha256:
        yield f"{path} is not the file that was recorded: {row.bytes} bytes, SHA-256 {row.sha256}"


def json_problems(path: Path) -> Iterator[str]:
    """Yield a problem if the file is not JSON."""
    try:
        json.loads(path.read_bytes())
    except ValueError as error:
        yield f"{path} is no JSON: {error}"


def image_problems(path: Path, box: int, source: Source) -> Iterator[str]:
    """Yield a problem if the file is not the original scaled down to the box."""
    try:
        with Image.open(path) as image:
            image.load()
    except OSError as error:
        yield f"{path} does not open: {error}"
        return
    expected = [side * min(1.0, box / max(source.size)) for side in source.size]
    if any(
        abs(side - wish) > ROUNDING_PIXELS for side, wish in zip(image.size, expected, strict=True)
    ):
        yield f"{path} is {image.size}, not {expected}: its aspect was not kept"
    if max(image.size) > box:
        yield f"{path} is {image.size} and does not fit in {box} pixels"
    if any(side > original for side, original in zip(image.size, source.size, strict=True)):
        yield f"{path} is {image.size}, larger than the original's {source.size}"
    if not source.is_upright_in(image):
        yield f"{path} is turned or mirrored"

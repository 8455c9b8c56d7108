"""Runs: a workflow's canvas submitted whole, with its files."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from offload.canvas.batches import gathering
from offload.canvas.following.joins import tree_of
from offload.canvas.freezing.context import coming_from
from offload.canvas.freezing.origins import submitter
from offload.canvas.freezing.signatures import as_dicts
from offload.canvas.freezing.walk import first
from offload.conf import settings
from offload.core.exceptions import ConfigurationError
from offload.core.validation.job_properties import check_properties
from offload.db import database
from offload.dispatch.submission import new_id
from offload.files import payloads
from offload.fleet.consumers import check_names
from offload.messaging.installation import celery_app
from offload.messaging.names import STEP_TASK, TOPIC_OPTION
from offload.models import Run
from offload.workflows.definitions import definition
from offload.workflows.handles import RunHandle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.files.payloads import Saved, Source


def start(
    name: str,
    *,
    files: Mapping[str, Source] | None = None,
    properties: Mapping[str, Any] | None = None,
) -> RunHandle:
    """Start a run of a workflow; return a handle on it.

    ``name`` is the workflow's name. ``files`` maps names to what they are read from: a path, bytes,
    or a file opened for reading bytes; all steps see these files, and those that other steps make.
    ``properties`` is a JSON object that is kept with the run. Run, files and first steps are stored
    in one transaction.

    Raise, with nothing stored: UnknownWorkflow; InvalidProperties, and UnfitProperties for those of
    a first step; InvalidName, InvalidFile, MissingFile, UnreadableFile or FileNotStored for a file;
    ConfigurationError if the function returns no canvas, or if Celery is set to run every task at
    once.
    """
    _refuse_eager()
    canvas = definition(name).canvas()
    _check_first(canvas)
    given = {} if properties is None else properties
    kept = check_properties(given, settings().max_properties)
    with payloads.saving(files) if files else nullcontext() as saved, database.atomic():
        run = _record(name, kept, canvas, saved)
        source = submitter(celery_app())
        source = replace(source, run_id=run.pk, payload_id=run.payload_id)
        with coming_from(source), gathering():
            run.tree = tree_of(canvas.apply_async())
        run.save(update_fields=["tree"])
    return RunHandle(run.pk)


def _check_first(canvas: object) -> None:
    """Raise UnfitProperties if a step that begins at once is misspelt, as ``submit`` does."""
    for signature in first(canvas):
        topic = (signature.get("options") or {}).get(TOPIC_OPTION)
        if signature["task"] == STEP_TASK and topic and not signature.get("args"):
            check_names(topic, signature.get("kwargs") or {})


def _refuse_eager() -> None:
    if celery_app().conf.task_always_eager:
        problem = (
            "the steps of a workflow are jobs of topics, and Celery would run them at once as "
            "tasks. Leave it out; in tests, run_jobs() of offload.testing runs them"
        )
        raise ConfigurationError(setting="CELERY_TASK_ALWAYS_EAGER", problem=problem)


def _record(
    name: str, properties: dict[str, object], canvas: Mapping[str, Any], saved: Saved | None
) -> Run:
    if saved is not None:
        payloads.record(saved)
    facts: dict[str, Any] = {"properties": properties, "canvas": as_dicts(canvas)}
    payload_id = saved.id if saved else None
    return Run.objects.create(id=new_id(), workflow=name, payload_id=payload_id, **facts)

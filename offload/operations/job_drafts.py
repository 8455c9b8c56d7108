"""Drafts of jobs that are submitted to a topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from offload.canvas.freezing import creation
from offload.canvas.freezing.context import running
from offload.core.placement.affinity import Affinity
from offload.dispatch.submission import new_id
from offload.fleet.consumers import slots_of
from offload.operations import near_options
from offload.tracking.drafts import Draft

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from offload.files.payloads import Saved, Source
    from offload.operations.submit_options import SubmitOptions


def drafts(
    topic: str,
    many: Iterable[Mapping[str, Any]],
    queue: str,
    submit_options: SubmitOptions,
    saved: Saved | None,
    options: Mapping[str, Any],
    kept: Affinity | None,
) -> list[Draft]:
    """Return the drafts of jobs with these options, one for each properties."""
    common: dict[str, Any] = {
        "topic": topic,
        "queue": queue,
        "options": options,
        "priority": submit_options.priority,
        # SubmitOptions has converted them to seconds, and others to values.
        "delay": submit_options.delay,
        "expires_in": submit_options.expires,
        "payload_id": saved.id if saved else None,
        "requires": submit_options.requires,
        "prefers": submit_options.prefers,
        "resources": submit_options.resources,
        "slots": submit_options.slots or slots_of(topic),
        "affinity": kept,
        "key": submit_options.key,
    }
    return [Draft(id=new_id(), properties=properties, **common) for properties in many]


def affinity(
    topic: str, queue: str, submit_options: SubmitOptions, files: Mapping[str, Source]
) -> Affinity | None:
    """Return the affinity of jobs with these options: to the place of a run, or near an instance.

    Raise UnknownJob if the job that they are to be near does not exist.
    """
    job = running.get()
    if submit_options.together and job and job.place:
        return Affinity(instance=job.place)
    if submit_options.near is None:
        return creation.preferred(topic, queue)
    seconds = cast("float | None", submit_options.near_wait)
    return near_options.affinity(topic, submit_options.near, seconds, files)

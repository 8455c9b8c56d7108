"""The option ``near`` of a submission: the instance that a job waits a moment for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from offload.canvas.freezing import creation
from offload.conf import settings
from offload.core.exceptions import InvalidPlacement, UnknownJob
from offload.core.placement.affinity import Affinity, Beside
from offload.core.validation.ids import id_of
from offload.models import Job
from offload.tracking.lane_changes import instances_of

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The instance whose job submits, and the one that made most of the files that are given.
HERE, INPUTS = "here", "inputs"
#: Characters at most that an id may have in the text of a lane.
ID_MAX = 100


def check(near: object, near_wait: object) -> None:
    """Raise InvalidPlacement or InvalidId unless both can be options of a submission."""
    if near is None and near_wait is not None:
        raise InvalidPlacement(
            option="near", problem="near_wait says for how long, and not for what"
        )
    if near is not None and near not in (HERE, INPUTS):
        size = len(quote(id_of(near)))
        if size > ID_MAX:
            problem = f"the id takes {size} characters, more than {ID_MAX}"
            raise InvalidPlacement(option="near", problem=problem)


def affinity(
    topic: str, near: object, seconds: float | None, files: Mapping[str, Any]
) -> Affinity | None:
    """Return the affinity of a new job; None if there is none, or it cannot run there.

    Raise UnknownJob if the job that it is to be near does not exist.
    """
    if near is None:
        return None
    if near == HERE:
        return creation.near_creator(topic, seconds)
    if near == INPUTS:
        return creation.near(_maker(files), topic, seconds)
    job_id = Job.objects.key(id_of(near))
    found = instances_of([job_id])
    if found.get(job_id):
        return creation.near(found[job_id], topic, seconds)
    if not found and not Job.objects.filter(pk=job_id).exists():
        raise UnknownJob(job_id=job_id)
    time = settings().near if seconds is None else seconds
    return Beside(job=job_id, seconds=time) if found and time else None


def _maker(files: Mapping[str, Any]) -> str:
    """Return the instance whose jobs made most of these files; "" if none did."""
    places = [place for one in files.values() for place in _locations(one)]
    made = Job.objects.filter(files__location__in=places) if places else Job.objects.none()
    known = Counter(made.exclude(instance="").values_list("instance", flat=True))
    return known.most_common(1)[0][0] if known else ""


def _locations(source: object) -> list[str]:
    """Return where in a storage a source may lie: storages that are folders give whole paths."""
    name = source if isinstance(source, str | Path) else getattr(source, "name", None)
    parts = PurePath(name).parts if isinstance(name, str | Path) else ()
    return ["/".join(parts[start:]) for start in range(len(parts))]

"""How far files of jobs are, as one cluster tells another: the latest counts, of few jobs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from offload.core.transfers.descriptions import Direction
from offload.core.transfers.stages import FilesProgress
from offload.core.validation.bounds import FILE_BYTES
from offload.core.validation.ids import is_epoch, is_id

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Most jobs that one message tells of.
TOLD_MAX = 100
#: The numbers that must not be larger than others.
PAIRS = (("done", "files"), ("done_size", "size"))


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingFiles:
    """The files of a binding that go one way, and how many of them are there."""

    job_id: str
    #: The epoch at home.
    epoch: int
    direction: Direction
    progress: FilesProgress

    def packed(self) -> dict[str, object]:
        """Return it as JSON values."""
        about = {"job": self.job_id, "epoch": self.epoch, "direction": self.direction.value}
        return {**about, **asdict(self.progress)}


def is_moving(value: object) -> bool:
    """Tell whether another cluster's value says how far the files of a job are."""
    return isinstance(value, dict) and _read(value) is not None


def found(values: object, job_id: str, epoch: int) -> MovingFiles | None:
    """Return the progress of a binding among what was told, or None."""
    rows = values if isinstance(values, list) else []
    read = (_read(one) for one in rows if isinstance(one, dict))
    return next((one for one in read if one and (one.job_id, one.epoch) == (job_id, epoch)), None)


def _read(value: Mapping[str, object]) -> MovingFiles | None:
    job, epoch, way = value.get("job"), value.get("epoch"), value.get("direction")
    numbers = {name: value.get(name) for name in ("files", "done", "size", "done_size")}
    if not (is_id(job) and is_epoch(epoch) and way in {one.value for one in Direction}):
        return None
    if not all(one in FILE_BYTES for one in numbers.values()):
        return None
    progress = FilesProgress(**{name: int(str(one)) for name, one in numbers.items()})
    if any(getattr(progress, part) > getattr(progress, whole) for part, whole in PAIRS):
        return None
    return MovingFiles(
        job_id=str(job), epoch=int(str(epoch)), direction=Direction(str(way)), progress=progress
    )

"""The logs of a job, by its attempts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.job_log import JobLog
from offload.models import AttemptLog

if TYPE_CHECKING:
    from offload.core.job_log import LogLine


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLines:
    """The last lines of an attempt's log."""

    epoch: int
    lines: tuple[LogLine, ...]
    #: The number of its first lines that are not here.
    left_out: int

    @property
    def count(self) -> int:
        """Return the number of all lines."""
        return self.left_out + len(self.lines)


def of(job_id: str, *, most: int | None = None) -> tuple[AttemptLines, ...]:
    """Return the logs of a job's attempts in their order, at most so many lines of each."""
    rows = AttemptLog.objects.filter(job=job_id).order_by("epoch")
    return tuple(
        _lines(epoch, JobLog.read(lines, count), most)
        for epoch, count, lines in rows.values_list("epoch", "count", "lines")
    )


def _lines(epoch: int, log: JobLog, most: int | None) -> AttemptLines:
    shown = log if most is None else log.last(most)
    return AttemptLines(epoch=epoch, lines=shown.lines, left_out=shown.left_out)

"""Watching the jobs of the demo until all of them have ended."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.live import Live
from rich.markup import escape
from rich.table import Table

from offload.core.states import JobState
from offload.core.topics import RUN_TOPIC
from offload.models import Job
from project.demo.steps import STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from offload.models import Run
    from project.demo.assets import Asset
    from project.demo.steps import Step
    from project.running import Sites

#: Seconds in which something must have happened.
STALL_SECONDS = 60.0

#: Seconds between two looks.
POLL_SECONDS = 0.2

#: Lines of the terminal that are not for assets.
MARGIN_LINES = 8

COLOURS = {
    JobState.PENDING: "dim",
    JobState.QUEUED: "cyan",
    JobState.ACTIVE: "yellow",
    JobState.SUCCEEDED: "green",
}


class Stalled(Exception):
    """Nothing happens any more."""

    def __init__(self, *, unfinished: list[Job]) -> None:
        self.topics = sorted({job.topic for job in unfinished})
        super().__init__(
            f"Nothing has happened for {STALL_SECONDS:g} s, "
            f"and {len(unfinished)} jobs have not ended."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The jobs of all runs at one moment."""

    jobs: dict[str, list[Job]]

    @property
    def unfinished(self) -> list[Job]:
        """The jobs that have not ended."""
        return [job for jobs in self.jobs.values() for job in jobs if not job.is_finished]

    @property
    def mark(self) -> list[tuple[str, str, int, object]]:
        """A value that changes as soon as something has happened."""
        return sorted(
            (job.id, job.state, job.epoch, str(job.progress))
            for jobs in self.jobs.values()
            for job in jobs
        )


def watch(sites: Sites, console: Console, runs: list[tuple[Asset, Run]]) -> None:
    """Show the jobs of the runs until all of them have ended.

    Raise Stalled if nothing happens any more, ProgramEnded if a program of the sites has ended.
    """
    with showing(console, runs) as show:
        seen, since = None, time.monotonic()
        while (progress := look(runs)).unfinished:
            sites.fleet.check()
            show(progress)
            if progress.mark != seen:
                seen, since = progress.mark, time.monotonic()
            elif time.monotonic() - since > STALL_SECONDS:
                raise Stalled(unfinished=progress.unfinished)
            time.sleep(POLL_SECONDS)
        show(progress)


def look(runs: list[tuple[Asset, Run]]) -> Progress:
    """Return the jobs of the runs as they are now."""
    jobs: dict[str, list[Job]] = {run.id: [] for _, run in runs}
    for job in Job.objects.filter(run_id__in=list(jobs)).order_by("created_at"):
        jobs[str(job.run_id)].append(job)
    return Progress(jobs=jobs)


@contextmanager
def showing(
    console: Console, runs: list[tuple[Asset, Run]]
) -> Iterator[Callable[[Progress], None]]:
    """Yield a display of progress: in place on a terminal, by lines elsewhere."""
    if not console.is_terminal:
        yield Lines(console, runs)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        room = max(4, console.height - MARGIN_LINES)
        yield lambda progress: live.update(picture(runs, progress, room), refresh=True)


class Lines:
    """Progress where nothing can be drawn: a line for each asset that is done."""

    def __init__(self, console: Console, runs: list[tuple[Asset, Run]]) -> None:
        self._console = console
        self._waiting = list(runs)

    def __call__(self, progress: Progress) -> None:
        """Print a line for each asset whose jobs have all ended since the last call."""
        for asset, run in list(self._waiting):
            jobs = progress.jobs[run.id]
            if all(job.is_finished for job in jobs):
                self._console.print(f"{escape(asset.name)}: {counted(jobs)}")
                self._waiting.remove((asset, run))


def counted(jobs: list[Job]) -> str:
    """Return how many steps of a run that has ended succeeded."""
    if jobs and jobs[0].topic == RUN_TOPIC:
        return f"went whole to {jobs[0].instance.partition('/')[0]}, which is {jobs[0].state}"
    done = sum(job.state == JobState.SUCCEEDED for job in jobs)
    return f"{done} of {len(jobs)} steps succeeded"


def picture(runs: list[tuple[Asset, Run]], progress: Progress, room: int) -> Table:
    """Return a table of assets and steps; where room is short, of those still at work."""
    total = len(runs) * len(STEPS)
    ended = sum(steps_of(job) for jobs in progress.jobs.values() for job in jobs if job.is_finished)
    table = Table("asset", *(step.label for step in STEPS), title=f"{ended} of {total} steps ended")
    busy_first = sorted(
        runs, key=lambda pair: all(j.is_finished for j in progress.jobs[pair[1].id])
    )
    for asset, run in busy_first[:room]:
        jobs = progress.jobs[run.id]
        table.add_row(escape(asset.name), *(cell(step, jobs) for step in STEPS))
    return table


def steps_of(job: Job) -> int:
    """Return how many steps a job is."""
    return len(STEPS) if job.topic == RUN_TOPIC else 1


def cell(step: Step, jobs: list[Job]) -> str:
    """Return how the step stands: by whom it is run, or what it waits for."""
    job = next((job for job in jobs if step.is_of(job) or job.topic == RUN_TOPIC), None)
    if job is None:
        return ""
    colour = COLOURS.get(job.job_state, "red")
    worker = job.instance.partition("@")[0] if job.job_state in COLOURS else job.state.lower()
    return f"[{colour}]{worker or 'waits'}[/]"

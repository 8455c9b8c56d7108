"""The common facts of the model and the tables, as a value from either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.placement.topology import Mode
from offload.core.states import JobState
from offload.models import Instance, Rule
from tests.integration.protocol.stand_ins import NAMES
from tests.unit.protocol.model import NOBODY, Phase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.models import Job
    from tests.integration.protocol.stand_ins import Run, Worker
    from tests.unit.protocol.model import Attempt, World

BOUND = frozenset({JobState.QUEUED, JobState.ACTIVE})
#: Phases of deliveries that will read the row's token, or write under it.
WRITING = frozenset({Phase.CLAIMING, Phase.RUNNING, Phase.FINISHING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The world at one moment, as far as both sides know it."""

    state: str
    epoch: int
    #: The instance and the incarnation that it is bound to, by their numbers.
    place: tuple[int, int] | None
    stop_requested: bool
    failures: int
    crashes: int
    aftermath_due: bool
    #: How often the result was written.
    results: int
    #: For each run that is to write yet: whether the row has its token.
    tokens: tuple[bool, ...]
    incarnations: tuple[int, ...]
    gone: tuple[bool, ...]
    denied: tuple[bool, ...]


def of_model(world: World) -> Picture:
    """Return the picture of a world of the model."""
    job = world.job
    bound = job.state in BOUND and job.instance is not None
    return Picture(
        state=job.state,
        epoch=job.epoch,
        place=(job.instance, job.incarnation) if bound else None,  # type: ignore[arg-type]
        stop_requested=job.stop_requested,
        failures=job.failures,
        crashes=job.crashes,
        aftermath_due=job.aftermath_due,
        results=job.results,
        tokens=tuple(NOBODY != one.token == job.token for one in writing(world)),
        incarnations=tuple(one.incarnation for one in world.instances),
        gone=tuple(one.gone for one in world.instances),
        denied=tuple(index in world.denied for index in range(len(world.instances))),
    )


def writing(world: World) -> list[Attempt]:
    """Return the attempts that are to write yet, in an order of their own."""
    return sorted(one for one in world.attempts if one.phase in WRITING)


def of_tables(job: Job, workers: Sequence[Worker], runs: Sequence[Run], *, results: int) -> Picture:
    """Return the picture of what the database holds."""
    rows: Mapping[str, Instance] = Instance.objects.in_bulk(NAMES)
    denied = set(Rule.objects.values_list("target", flat=True))
    return Picture(
        state=job.state,
        epoch=job.epoch,
        place=_place(job, workers) if job.state in BOUND else None,
        stop_requested=job.stop_requested,
        failures=job.failures,
        crashes=job.crashes,
        aftermath_due=job.aftermath_due,
        results=results,
        tokens=tuple(run.key.token == job.token for run in runs),
        incarnations=tuple(
            1 + one.incarnations.index(rows[one.name].incarnation) for one in workers
        ),
        gone=tuple(rows[name].mode == Mode.GONE for name in NAMES),
        denied=tuple(name in denied for name in NAMES),
    )


def _place(job: Job, workers: Sequence[Worker]) -> tuple[int, int]:
    number = NAMES.index(job.instance)
    return number, 1 + workers[number].incarnations.index(job.incarnation)

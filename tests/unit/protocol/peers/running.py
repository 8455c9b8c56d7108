"""How a run begins and ends, at home as at a peer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.protocol import statements
from tests.unit.protocol.model import Attempt, Job
from tests.unit.protocol.peers.model import Place, Run
from tests.unit.protocol.peers.statements import INSIDE

if TYPE_CHECKING:
    from offload.core.states import JobState


def can_begin(row: Job, place: Place, home_epoch: int) -> tuple[Job, Run] | None:
    """Claim a bound row for a run; None when it is refused."""
    attempt = Attempt(place, row.epoch)
    job = statements.claim(row, attempt, row.incarnation, row.token + 1, INSIDE)
    if job is None:
        return None
    return job, Run(place, home_epoch, attempt._replace(token=job.token))


def ended(row: Job | None, run: Run, outcome: JobState) -> Job | None:
    """Write the end of a run to its row; None when it is refused."""
    return None if row is None else statements.finish(row, run.attempt, outcome, INSIDE)

"""Steps of runs: claims and ends, refused or not, and ends that somebody else finds out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.outcomes import ErrorInfo, Failed, Succeeded
from offload.core.retries import Cause
from offload.core.states import JobState
from offload.jobs import aftermath, claims
from offload.messaging.installation import current_installation
from offload.worker.pool.finish import finish
from offload.worker.tasks.current_job import CurrentJob
from offload.worker.tasks.task import OffloadTask
from tests.integration.protocol.stage import refused, within_reach
from tests.integration.protocol.stand_ins import ID, TASK, TOPIC
from tests.unit.protocol.model import Phase

if TYPE_CHECKING:
    from tests.integration.protocol.schedules import Act
    from tests.integration.protocol.stage import Stage
    from tests.integration.protocol.stand_ins import Run

WRONG = ErrorInfo(type="ValueError", message="no", module="builtins", traceback="")
FAILED = Failed(cause=Cause.FAILED, error=WRONG)


def claim(stage: Stage, act: Act) -> None:
    """Begin a run."""
    run = stage.run(act)
    [token] = {one.token for one in act.after.attempts} - {one.token for one in act.before.attempts}
    stage.runs[token] = run
    assert _begins(run)


def _begins(run: Run) -> bool:
    run.claimed = claims.begin(run.key, run.facts)
    return run.claimed is not None


def end(stage: Stage, act: Act) -> None:
    """Write the end of a run."""
    run, state = stage.run(act), act.after.job.state
    run.outcome = Succeeded(None) if state == JobState.SUCCEEDED else FAILED
    assert _finished(stage, run) == state


def _finished(stage: Stage, run: Run) -> JobState | None:
    """Return the state that the job has by the end of this run; None for one that was overtaken."""
    assert run.claimed is not None
    job = CurrentJob(
        id=ID,
        topic=TOPIC,
        epoch=run.key.epoch,
        attempt=run.claimed.attempts,
        attempt_key=run.key,
        instance=run.worker.name,
        claimed=run.claimed,
    )
    task = stage.app.tasks[TASK]
    assert isinstance(task, OffloadTask)
    return finish(task, job, run.facts, run.outcome or Succeeded(None)).state


def is_stale(stage: Stage, act: Act) -> None:
    """Find out that another has taken the place of this delivery, or run."""
    run = stage.run(act)
    with refused():
        if run.claimed is None or _claims(act):
            assert not _begins(run)
        else:
            assert _finished(stage, run) is None


def recognises(stage: Stage, act: Act) -> None:
    """Ask again after a lost answer, and be recognised."""
    run = stage.run(act)
    with refused():
        if _claims(act):
            assert _begins(run)
        else:
            assert _finished(stage, run) == stage.row.state


def _claims(act: Act) -> bool:
    """Return whether it is a claim of which the answer was lost."""
    return act.step.by is not None and act.step.by.phase == Phase.CLAIMING


def obeys(stage: Stage, act: Act) -> None:
    """Ask again after a lost answer, and hear that the job shall stop."""
    assert not _begins(stage.run(act))


def fails_unstarted(stage: Stage, act: Act) -> None:
    """Let a message come to nothing."""
    assert act.step.by is not None
    stage.worker(act).lose(act.step.by.epoch)


def reconcile(stage: Stage, act: Act) -> None:
    """Let an instance find out that it does not run what its row says."""
    worker, world = stage.worker(act), act.before
    over_outage = world.expired == world.job.epoch
    worker.reconcile(stage.known(world, worker), over_outage=over_outage)


def conclude(stage: Stage, act: Act) -> None:
    """Write the result, if that is due."""
    with within_reach(current_installation.to_backend):
        is_done = aftermath.conclude(ID)
    assert is_done == act.before.job.aftermath_due
    stage.results += is_done

"""Errors of workflows and their runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.exceptions.base import OffloadError

if TYPE_CHECKING:
    from offload.core.placement.reasons import Reason


class UnfitParameters(OffloadError, ValueError):
    """The function of the workflow does not take these parameters."""

    def __init__(self, *, workflow: str, problem: str) -> None:
        self.workflow = workflow
        self.problem = problem
        why = problem if problem.endswith("?") else f"{problem}."
        super().__init__(
            f"The workflow {workflow} {why} Nothing was started. "
            f"'manage.py offload workflows {workflow}' shows what it takes."
        )


class UnknownStep(OffloadError, LookupError):
    """The run has no step of that name."""

    def __init__(self, *, run_id: str, step: str, known: tuple[str, ...]) -> None:
        self.run_id = run_id
        self.step = step
        self.known = known
        super().__init__(
            f"Run {run_id} has no step {step!r:.300}. Its steps are: {', '.join(known)}."
        )


class RunRefused(OffloadError):
    """The run is not in a state in which this can be done to it."""

    def __init__(self, *, run_id: str, problem: str) -> None:
        self.run_id = run_id
        self.problem = problem
        super().__init__(
            f"Run {run_id} {problem}. 'manage.py offload runs show {run_id}' shows its steps."
        )


class NoPeerForRun(OffloadError):
    """No other cluster can do every step of the run, and none will without somebody's change."""

    def __init__(self, *, workflow: str, problem: str, reasons: tuple[Reason, ...] = ()) -> None:
        self.workflow = workflow
        #: Why each cluster cannot, each with the type of its obstacle.
        self.reasons = reasons
        super().__init__(
            f"A run of {workflow} cannot go whole to another cluster: {problem.rstrip('.')}. "
            "Nothing was started. 'manage.py offload peers' shows the others; without "
            "placement='peer' each of its steps is placed by itself."
        )


class AlreadyDecided(RunRefused):
    """The step has ended otherwise: somebody decided before, or its time was over."""

    def __init__(self, *, run_id: str, step: str, outcome: str, by: str, note: str) -> None:
        self.step = step
        self.outcome = outcome
        self.by = by
        who = f" by {by}" if by else ""
        why = f": {note}" if note else ""
        super().__init__(run_id=run_id, problem=f"has step {step} {outcome}{who}{why}")

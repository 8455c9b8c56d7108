"""The state of a run, from the states of its steps."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from offload.core.states import FAILED, JobState

if TYPE_CHECKING:
    from collections.abc import Collection


class RunState(enum.StrEnum):
    """The state of a workflow's run."""

    # At least one step has no final state.
    RUNNING = "RUNNING"
    # Every step ended with a result.
    SUCCEEDED = "SUCCEEDED"
    # A step was stopped or removed, and none failed.
    STOPPED = "STOPPED"
    # A step failed; others may have succeeded.
    FAILED = "FAILED"

    @property
    def is_final(self) -> bool:
        """Tell whether a run never leaves this state."""
        return self is not RunState.RUNNING


def run_state(steps: Collection[JobState]) -> RunState:
    """Return the state of a run whose steps are in these states."""
    if any(not state.is_final for state in steps):
        return RunState.RUNNING
    if FAILED.intersection(steps):
        return RunState.FAILED
    if all(state is JobState.SUCCEEDED for state in steps):
        return RunState.SUCCEEDED
    return RunState.STOPPED

from __future__ import annotations

import pytest

from offload.core.states import JobState
from offload.core.workflows.run_states import RunState, run_state


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ("SUCCEEDED SUCCEEDED", RunState.SUCCEEDED),
        ("", RunState.SUCCEEDED),
        ("SUCCEEDED PENDING", RunState.RUNNING),
        # A step that failed does not end those that still run.
        ("GIVEN_UP ACTIVE", RunState.RUNNING),
        ("SUCCEEDED GIVEN_UP STOPPED", RunState.FAILED),
        ("ERROR", RunState.FAILED),
        ("EXPIRED SUCCEEDED", RunState.FAILED),
        ("STOPPED SUCCEEDED", RunState.STOPPED),
        ("DROPPED", RunState.STOPPED),
    ],
)
def test_a_run_is_as_far_as_its_steps(steps: str, state: RunState) -> None:
    assert run_state([JobState(step) for step in steps.split()]) is state


def test_only_a_running_run_changes() -> None:
    assert {state for state in RunState if not state.is_final} == {RunState.RUNNING}

"""``explain --suggest`` and previews: the exact command, and who would have nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from offload.operations.changes.switches import SwitchOff
from offload.queues import policies
from offload.rules import editing
from tests.integration.world import HERE, THERE, TOPIC, bound, join, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = Callable[..., str]
    Answered = Callable[..., Any]


@pytest.fixture(autouse=True)
def _instances(app: object) -> None:
    join(HERE)


def test_the_least_change_is_named_as_the_exact_command(said: Said, answered: Answered) -> None:
    rule = editing.deny(HERE, "dam/**")
    ids = waiting(3)

    command = f"manage.py offload clear {rule.pk}"
    assert f"-> To place the 3 waiting jobs at {HERE}: {command}" in said(
        "explain", TOPIC, "--suggest"
    )
    found = answered("explain", ids[0], "--suggest")["suggestion"]
    assert found == {"commands": [command], "instance": HERE, "jobs": 3}

    said("clear", str(rule.pk))
    assert "Nothing needs to be changed." in said("explain", TOPIC, "--suggest")
    assert "No change of rules" in said("explain", "nobody/has", "--suggest")


def test_a_limit_is_raised_by_as_many_as_wait(answered: Answered) -> None:
    policies.add("narrow", ["dam/**"], max_parallel=1)
    bound(queue="narrow")
    waiting(3, queue="narrow")

    found = answered("explain", TOPIC, "--suggest")["suggestion"]

    assert found["commands"] == ["manage.py offload queues set narrow --limit 4"]


def test_a_dry_run_says_which_waiting_jobs_would_have_nobody(
    said: Said, answered: Answered
) -> None:
    join(THERE)
    ids = waiting(2)
    SwitchOff(instance=THERE, note="").make(None)

    assert f"2 waiting jobs of {TOPIC} would have nobody: {', '.join(ids)}." in said(
        "off", HERE, "--dry-run"
    )
    [line] = answered("off", HERE, "--dry-run")["preview"]["fates"]
    assert line == {
        "fate": "nobody", "topic": TOPIC, "queue": "default", "jobs": 2, "examples": ids,
    }  # fmt: skip

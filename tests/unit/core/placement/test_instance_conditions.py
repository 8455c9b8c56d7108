"""One word for the state of an instance, and the causes of suspicion."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from offload.core.placement.instance_conditions import (
    Condition,
    Trouble,
    condition,
    suspicion,
    trouble_of,
)
from offload.core.placement.judgement import alive
from offload.core.placement.topology import Mode
from tests.unit.core.placement.fleet import instance

SINCE = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("mode", "facts", "expected"),
    [
        (Mode.STARTING, {}, Condition.STARTING),
        (Mode.READY, {}, Condition.READY),
        (Mode.READY, {"is_full": True}, Condition.BUSY),
        (Mode.READY, {"is_full": True, "is_off": True}, Condition.OFF),
        (Mode.READY, {"is_off": True, "drains": True}, Condition.DRAINING),
        (Mode.READY, {"is_silent": True, "is_off": True}, Condition.SUSPECT),
        (Mode.DRAINING, {"is_full": True}, Condition.DRAINING),
        (Mode.RECONNECTING, {}, Condition.SUSPECT),
        (Mode.SUSPECT, {"is_off": True}, Condition.SUSPECT),
        (Mode.GONE, {"is_silent": True, "is_off": True}, Condition.GONE),
    ],
)
def test_an_instance_is_in_one_condition(
    mode: Mode, facts: dict[str, bool], expected: Condition
) -> None:
    assert condition(mode, **facts) is expected


@pytest.mark.parametrize(
    ("mode", "still_for", "is_deaf", "expected"),
    [
        (Mode.READY, 12.0, False, None),
        (Mode.READY, 12.1, True, Trouble.LOOP),
        (Mode.READY, 0.0, True, Trouble.MESSAGES),
        (Mode.RECONNECTING, 99.0, False, Trouble.BROKER),
        (Mode.RECONNECTING, 0.0, True, Trouble.MESSAGES),
        (Mode.STARTING, 99.0, True, None),
        (Mode.DRAINING, 99.0, True, None),
    ],
)
def test_a_trouble_has_one_cause(
    mode: Mode, still_for: float, is_deaf: bool, expected: Trouble | None
) -> None:
    assert trouble_of(mode, still_for=still_for, most=12.0, is_deaf=is_deaf) is expected


@pytest.mark.parametrize(
    ("trouble", "mode", "cause"),
    [
        ("loop", Mode.SUSPECT, "its consumer's loop stands still"),
        ("", Mode.RECONNECTING, "its connection to the broker is lost"),
        ("newer", Mode.SUSPECT, "it does not answer"),
    ],
)
def test_a_suspicion_says_its_cause_even_of_other_code(
    trouble: str, mode: Mode, cause: str
) -> None:
    assert suspicion("a@x", trouble, mode) == f"a@x is suspect: {cause}."


def test_the_reason_against_a_suspect_has_cause_time_and_remedy() -> None:
    facts: dict[str, Any] = {"trouble": "messages", "mode_at": SINCE, "remedy": "Told to restart."}

    assert str(alive(instance(mode=Mode.SUSPECT, **facts))) == (
        "render@host2 is suspect since 2026-03-01 12:00:00 UTC: "
        "messages that are sent to it do not arrive. Told to restart."
    )

"""Badges of states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offload.browser.badges import BADGES
from offload.core.placement.rule_status import RuleStatus
from offload.core.placement.topology import Mode
from offload.core.states import JobState
from offload.templatetags.offload import badge

if TYPE_CHECKING:
    import enum

EVERY = [*RuleStatus, *Mode, *JobState]


@pytest.mark.parametrize("state", EVERY, ids=str)
def test_every_state_has_a_glyph_and_a_word(state: enum.StrEnum) -> None:
    assert len(BADGES[state].glyph) == 1
    assert str(BADGES[state].word)
    assert BADGES[state].tone in {"good", "busy", "idle", "warn", "bad"}


def test_a_badge_reads_its_word_aloud_and_not_its_glyph() -> None:
    assert badge(Mode.READY) == (
        '<span class="ob-badge ob-good"><span aria-hidden="true">●</span> ready</span>'
    )


@pytest.mark.parametrize("kind", [RuleStatus, Mode, JobState])
def test_no_two_states_of_a_kind_have_one_word(kind: type[enum.StrEnum]) -> None:
    words = [str(BADGES[state].word) for state in kind]

    assert len(words) == len(set(words))

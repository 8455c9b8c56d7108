"""An unreachable server is not tried for a while."""

from __future__ import annotations

from math import inf

from offload.messaging import installation
from offload.messaging.breaker import UNREACHABLE_PAUSE_SECONDS, Breaker
from tests.clocks import Clock


def test_nothing_is_tried_for_a_pause_and_then_again() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    seen = [breaker.is_open]

    breaker.trip()
    for seconds in (UNREACHABLE_PAUSE_SECONDS - 0.1, 0.2):
        clock.go_on(seconds)
        seen.append(breaker.is_open)

    assert seen == [False, True, False]


def test_it_can_be_closed_however_long_it_was_to_be_open() -> None:
    breaker = Breaker(Clock())
    breaker.trip(inf)
    assert breaker.is_open

    breaker.close()

    assert not breaker.is_open


def test_what_is_known_of_one_app_says_nothing_of_another() -> None:
    with installation.instead(None):
        installation.current_installation.to_broker.trip(inf)
        with installation.instead(None) as inner:
            assert not inner.to_broker.is_open
        assert installation.current_installation.to_broker.is_open

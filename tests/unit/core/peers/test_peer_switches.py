"""The position of a switch: what a person set wins, and both of all and of one must be on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from offload.core.peers.peer_switches import ALL, PeerSwitch, PeerSwitches, Position

SEND, ACCEPT, MOVE = PeerSwitch
SINCE = datetime(2027, 1, 2, 3, 4, tzinfo=UTC)


def set_by(peer: str, switch: PeerSwitch, *, on: bool, note: str = "") -> Position:
    return Position(
        peer=peer, switch=switch, is_on=on, is_set=True, by="anna", since=SINCE, note=note
    )


def switches(*positions: Position, off: frozenset[tuple[str, PeerSwitch]]) -> PeerSwitches:
    found = {(one.peer, one.switch): one for one in positions}
    return PeerSwitches(off_by_settings=off, set_by_people=found)


def test_all_are_on_unless_something_says_otherwise() -> None:
    assert not any(PeerSwitches().why_off(one, "render") for one in PeerSwitch)


@pytest.mark.parametrize("switch", PeerSwitch)
@pytest.mark.parametrize("peer", ["render", ALL])
def test_the_settings_turn_off_one_switch_alone(switch: PeerSwitch, peer: str) -> None:
    found = switches(off=frozenset({(peer, switch)}))

    assert [one for one in PeerSwitch if found.off(one, "render")] == [switch]
    assert bool(found.off(switch, "print")) is (peer == ALL)
    assert found.why_off(switch, "render").endswith("is switched off by the settings.")


def test_what_a_person_set_wins_over_the_settings() -> None:
    off = frozenset({("render", SEND)})

    assert switches(set_by("render", SEND, on=True), off=off).off(SEND, "render") is None
    assert switches(set_by("render", MOVE, on=False), off=off).off(MOVE, "render")


def test_a_cluster_that_is_switched_on_stays_off_while_all_are_off() -> None:
    found = switches(set_by("render", SEND, on=True), set_by(ALL, SEND, on=False), off=frozenset())

    assert found.why_off(SEND, "render") == (
        "Sending to any other cluster is switched off by anna since 2027-01-02 03:04 UTC."
    )


def test_the_sentence_says_what_by_whom_since_when_and_why() -> None:
    found = switches(set_by("render", ACCEPT, on=False, note="disk full."), off=frozenset())

    assert found.why_off(ACCEPT, "render") == (
        "Accepting jobs from render is switched off by anna since 2027-01-02 03:04 UTC: disk full."
    )
    assert found.position(SEND, "render").sentence == ""

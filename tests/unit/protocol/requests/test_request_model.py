"""Requests keep their promises in every schedule of two faults, and need each rule."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import pytest

from tests.unit.protocol.requests.explorer import explore
from tests.unit.protocol.requests.faults import FAULTS
from tests.unit.protocol.requests.promises import RequestBroken
from tests.unit.protocol.requests.rules import RequestRules

if TYPE_CHECKING:
    from collections.abc import Sequence

ALL = RequestRules()

# The rule that is broken, the faults that then suffice, the promise that holds no more.
NEEDED: list[tuple[str, Sequence[str], RequestBroken]] = [
    ("request_is_repeated", ["lost"], RequestBroken.REST),
    # Both are on their way, and the newer one arrives first.
    ("oldest_first", [], RequestBroken.OUT_OF_ORDER),
    # The verdict on the older one comes again, and ends the newer one.
    ("verdict_matches_request", ["doubled"], RequestBroken.FALSE_ANSWER),
    # It was sent, and is applied although home says that it was replaced.
    ("replaces_unsent_alone", [], RequestBroken.FALSE_ANSWER),
    ("withdrawal_waits_for_peer", ["withdrawn"], RequestBroken.FALSE_ANSWER),
    # Withdrawn at home, and the older one is still on its way when the newer one is applied.
    ("withdrawal_waits_for_peer", ["withdrawn"], RequestBroken.OUT_OF_ORDER),
    ("asks_permission", ["permission"], RequestBroken.AGAINST),
    # Killed between the two transactions, the peer gets the request again.
    ("verdict_with_change", ["peer killed"], RequestBroken.TWICE),
    ("applied_is_remembered", ["doubled"], RequestBroken.TWICE),
    # Refused, then permitted, and a copy of the request arrives.
    ("refused_is_remembered", ["doubled", "permission"], RequestBroken.FALSE_ANSWER),
    # The verdict was lost, and the request is never answered again.
    ("known_is_answered", ["lost"], RequestBroken.REST),
    # The withdrawal overtakes the request.
    ("withdrawal_closes", ["withdrawn"], RequestBroken.FALSE_ANSWER),
    ("verdict_is_final", ["withdrawn", "lost"], RequestBroken.FALSE_ANSWER),
    ("memory_outlives_request", ["forget", "lost"], RequestBroken.TWICE),
]
#: No rule keeps this one alone: the state of a row is written where it is open, and nowhere else.
BY_STATEMENT = {RequestBroken.CHANGED}
#: What begins with a peer that does not let home rule.
OF_FORBIDDEN = {"refused_is_remembered"}

PAIRS = list(combinations_with_replacement(FAULTS, 2))


@pytest.mark.parametrize("permits", [True, False])
@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_every_schedule_of_two_faults_keeps_every_promise(
    pair: tuple[str, str], *, permits: bool
) -> None:
    found = explore(pair, ALL, permits=permits)

    assert not found.counterexamples, str(found)
    assert ("applied applied" if permits else "refused refused") in found.ends


@pytest.mark.parametrize(("off", "faults", "kind"), NEEDED)
def test_without_this_rule_a_promise_breaks(
    off: str, faults: Sequence[str], kind: RequestBroken
) -> None:
    rules = replace(ALL, **{off: False})
    found = explore(faults, rules, permits=off not in OF_FORBIDDEN, until=kind)

    assert kind in found.counterexamples


def test_every_rule_is_proved_to_be_needed() -> None:
    assert {off for off, _, _ in NEEDED} == {field.name for field in fields(RequestRules)}


def test_every_promise_is_proved_to_be_breakable() -> None:
    assert {kind for _, _, kind in NEEDED} == set(RequestBroken) - BY_STATEMENT


def test_a_request_that_comes_after_its_withdrawal_is_a_counterexample() -> None:
    rules = replace(ALL, withdrawal_closes=False)
    found = explore(["withdrawn"], rules, until=RequestBroken.FALSE_ANSWER)

    assert found.counterexamples[RequestBroken.FALSE_ANSWER].splitlines() == [
        "1. a person makes request 1",
        "2. home sends the request 1",
        "3. request 1 is withdrawn",
        "4. home sends the request 1 (withdrawn)",
        "5. the peer gets the request 1 (withdrawn)",
        "6. home gets the verdict 1 (withdrawn)",
        "7. the peer gets the request 1",
    ]

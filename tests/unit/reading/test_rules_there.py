"""The status of a topic by the rules of the instance's own cluster, which may announce anything."""

from __future__ import annotations

from typing import Any

import pytest

from offload.core.placement.rule_status import RuleStatus
from offload.core.topics import Pattern
from offload.reading.rules.applied import judge_there, read_applied
from tests.unit.core.placement.fleet import NOW, instance

NAME = "render/gpu1@host"


def there(**facts: Any) -> Any:
    """Return an instance of another cluster."""
    return instance(NAME, peer="render", **facts)


@pytest.mark.parametrize(
    ("announced", "expected", "why"),
    [
        ([], RuleStatus.ALLOWED, "No rule concerns it."),
        ([["deny", "a/*", None]], RuleStatus.DENIED, f"A rule there denies a/* on {NAME}."),
        ([["deny", "a/*", "2000-01-01T00:00:00+00:00"]], RuleStatus.ALLOWED, ""),
        ([["allow", "b", None]], RuleStatus.UNLISTED, f"{NAME} is allowed only b."),
        ([["allow", "a/b", None]], RuleStatus.ONLY, "A rule there allows a/b and nothing else."),
    ],
)
def test_its_own_rules_decide(announced: list[list[Any]], expected: RuleStatus, why: str) -> None:
    applied = read_applied(NAME, {"version": 1, "off": False, "rules": announced})
    judged = judge_there(there(sends=()), "a/b", applied, NOW)
    assert judged is not None
    assert judged.status is expected
    assert judged.why.startswith(why)
    assert judged.rule_id is None


def test_being_off_there_counts_and_switches_between_the_clusters_do_not() -> None:
    off = read_applied(NAME, {"version": 1, "off": True, "rules": []})
    on = read_applied(NAME, {"version": 1, "off": False, "rules": []})
    kept = there(sends=(Pattern.parse("b"),), send_off="It is off.", is_accepting=False)
    assert (found := judge_there(kept, "a/b", off, NOW)) is not None
    assert found.status is RuleStatus.OFF
    assert (found := judge_there(kept, "a/b", on, NOW)) is not None
    assert found.status is RuleStatus.ALLOWED


@pytest.mark.parametrize(
    "announced",
    [
        {},
        [],
        "x",
        {"version": 1},
        {"version": 1, "off": False, "rules": [["deny"]]},
        {"version": 1, "off": False, "rules": [["forbid", "a", None]]},
        {"version": 1, "off": False, "rules": [["deny", "a//b", None]]},
        {"version": 1, "off": False, "rules": [["deny", "a", "soon"]]},
        {"version": 1, "off": False, "rules": [["deny", "a", "2050-01-01T00:00:00"]]},
        {"version": 1, "off": False, "rules": [["deny", "a", 7]]},
    ],
)
def test_what_cannot_be_read_is_unknown(announced: Any) -> None:
    assert judge_there(there(), "a/b", read_applied(NAME, announced), NOW) is None

"""instances and rules: who is there, what each holds, and which rules concern it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from offload.core.placement.instance_conditions import Trouble
from offload.core.placement.topology import Mode
from offload.fleet import leadership, membership, own_facts
from offload.fleet.snapshots import now
from offload.rules import editing, switching
from tests.databases import OneDatabase
from tests.integration.world import HERE, TASK, THERE, TOPIC, join, running, waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Said = Callable[..., str]
    Answered = Callable[..., Any]


def test_instances_are_listed_with_what_they_hold(said: Said, answered: Answered) -> None:
    join(labels=["gpu"])
    running()
    told = said("instances")
    assert "1/2" in told
    assert "1/4" in told
    (facts,) = answered("instances")
    assert facts["name"] == HERE
    assert facts["consumers"] == [{"pattern": "dam/**", "task": TASK, "ranking": 0}]
    assert (facts["running"], facts["bound"], facts["held"], facts["window"]) == (1, 0, 1, 4)
    assert facts["bound"] == answered("status")["bound"]
    assert (facts["mode"], facts["off"], facts["labels"]) == ("ready", False, ["gpu"])


def test_a_suspect_is_told_with_cause_time_and_remedy(said: Said, answered: Answered) -> None:
    incarnation = join()
    membership.set_mode(HERE, incarnation, Mode.SUSPECT, trouble=Trouble.MESSAGES)
    done = "Its consumer was told to start anew, 2 times."
    own_facts.note_remedy(HERE, incarnation, done)

    (facts,) = answered("instances")
    assert (facts["state"], facts["trouble"], facts["remedy"]) == ("suspect", "messages", done)
    assert facts["mode_at"] is not None
    for words in (("instances",), ("instances", HERE), ("doctor",)):
        told = " ".join(said(*words).split())
        assert f"messages that are sent to it do not arrive. {done}" in told


def test_properties_are_shown_on_demand_with_those_that_are_not_renewed(
    said: Said, answered: Answered
) -> None:
    incarnation = join(facts={"cpus": 8, "python": "3.11", "licensed": True, "free": None})
    own_facts.report(HERE, incarnation, load={"providers": {"gpus": "site.gpus: it hangs"}})
    assert "python" not in said("instances")
    told = [line.split() for line in said("instances", "--properties").splitlines()]
    assert [line[1:] for line in told[3:]] == [
        ["property", "value", "not", "renewed"],
        ["cpus", "8"],
        ["free", "null"],
        ["gpus", "null", "site.gpus:", "it", "hangs"],
        ["licensed", "true"],
        ["python", "3.11"],
    ]
    (facts,) = answered("instances")
    assert facts["properties"] == {"cpus": 8, "python": "3.11", "licensed": True, "free": None}
    assert facts["failing_properties"] == {"gpus": "site.gpus: it hangs"}


def test_an_instance_takes_one_line_whatever_it_consumes(
    said: Said, answered: Answered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    patterns = [f"dam/rendition/number-{number}" for number in range(8)]
    join(consumers=[{"pattern": one, "task": TASK} for one in patterns])
    told = said("instances").splitlines()
    assert len(told) == 2
    assert "8/8 dam/rendition/number-0 +7" in told[1]
    assert all(one in said("instances", "--long") for one in patterns)
    assert len(answered("instances")[0]["consumers"]) == 8


def test_an_instance_is_shown_with_what_it_may_run_and_why_not_the_rest(
    said: Said, answered: Answered
) -> None:
    join(consumers=[{"pattern": one, "task": TASK} for one in ("audio/mix", "dam/**", "video/cut")])
    editing.deny(HERE, "audio/mix", note="no licence")
    inner = editing.deny(HERE, TOPIC)
    why = f"Rule {inner.pk} denies {TOPIC} on {HERE}."
    told = " ".join(said("instances").split())
    assert "2/3 dam/** in part +1" in told
    assert f"{HERE} may not run audio/mix: Rule {inner.pk - 1} denies audio/mix" in told
    assert f"{HERE} may not run all of dam/**: {why}" in told
    (facts,) = answered("instances")
    assert facts["consumed"] == 3
    assert facts["may_run"] == [
        {"pattern": "dam/**", "whole": False, "why": why},
        {"pattern": "video/cut", "whole": True, "why": ""},
    ]
    (barred,) = facts["may_not_run"]
    assert barred["pattern"] == "audio/mix"
    assert barred["why"].endswith(": no licence.")
    switching.switch(HERE, off=True, note="disk is full")
    assert f"{HERE} may run nothing: {HERE} is switched off: disk is full." in said("instances")
    assert len(answered("instances")[0]["may_not_run"]) == 3


def test_what_rules_are_for_is_told_wherever_they_bite(said: Said, answered: Answered) -> None:
    leadership.acquire(HERE, join())
    join(THERE)
    editing.deny(HERE, TOPIC, note="driver update")
    switching.switch(THERE, off=True, note="disk is full")
    waiting()
    for verb in (["status"], ["instances"], ["explain", TOPIC]):
        told = said(*verb)
        assert "driver update." in told, verb
        assert "switched off: disk is full." in told, verb
    findings = answered("doctor")["findings"]
    assert "disk is full" in str(findings)
    levels = [one["level"] for one in findings]
    assert levels == sorted(levels, key=["fail", "warn", "ok"].index)
    assert said("doctor").startswith("warn ")
    (stranded,) = [one for one in findings if TOPIC in one["fact"]]
    assert "driver update." in stranded["fact"]
    here, there = answered("instances")
    assert (here["rules"][0]["note"], there["off_note"]) == ("driver update", "disk is full")


@pytest.fixture
def ada(database_alias: str) -> Iterator[User]:
    """Return a user, who is not there afterwards."""
    OneDatabase.alias = database_alias
    with override_settings(DATABASE_ROUTERS=["tests.databases.OneDatabase"]):
        made = User.objects.create_user("ada")
        yield made
        made.delete()


def test_rules_are_listed_with_whom_they_concern(said: Said, answered: Answered, ada: User) -> None:
    assert "There is no rule" in said("rules")
    join(labels=["gpu"])
    editing.allow("gpu", "dam/**", scope="label", by=ada)
    editing.deny(THERE, "audio/*", until=now() + timedelta(hours=1), note="moved")
    switching.switch(HERE, off=True, note="disk")
    off, denied, allowed = answered("rules")
    assert (off["verb"], off["instances"], off["note"]) == ("off", [HERE], "disk")
    assert (denied["verb"], denied["pattern"], denied["instances"]) == ("deny", "audio/*", [])
    assert (allowed["scope"], allowed["instances"], allowed["by"]) == ("label", [HERE], "ada")
    told = said("rules")
    assert "moved" in told
    assert "gpu (label)" in told
    assert "manage.py offload clear ID" in told
    assert [one["verb"] for one in answered("rules", "--instance", HERE)] == ["off", "allow"]


def test_instances_that_are_gone_are_shown_on_demand(said: Said, answered: Answered) -> None:
    membership.goodbye(HERE, join())
    assert "1 more is gone" in said("instances")
    assert "Died" not in said("status")
    assert answered("instances") == []
    assert [one["mode"] for one in answered("instances", "--all")] == ["gone"]
    assert HERE in said("instances", "--all")


def test_an_instance_that_is_off_is_shown_as_off(said: Said, answered: Answered) -> None:
    join()
    switching.switch(HERE, off=True)
    assert " off " in said("instances")
    assert answered("instances")[0]["off"] is True

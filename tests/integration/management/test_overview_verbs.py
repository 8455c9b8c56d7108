"""status, instances, topics, queues and explain."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError

from offload.core.placement.topology import Mode
from offload.diagnostics import broker
from offload.fleet import leadership, membership, rules
from offload.fleet.snapshots import now
from offload.models import Instance, Queue
from offload.reading import rulebook
from offload.tracking import terminations
from tests.integration.world import HERE, TASK, THERE, TOPIC, age, join, running, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    Said = Callable[..., str]
    Answered = Callable[..., Any]


#: What topics say of jobs whose time has not come, where there are none.
DUE = {"later": 0, "retrying": 0, "due_in": None}


def test_status_of_an_empty_cluster_says_what_to_do(said: Said) -> None:
    told = said("status")
    assert "0 of 0 instances take work, nobody leads." in told
    assert "manage.py offload doctor" in told


def test_status_counts_instances_and_jobs(said: Said, answered: Answered) -> None:
    leadership.acquire(HERE, join())
    join(THERE, mode=Mode.DRAINING)
    running()
    waiting(2)
    assert "1 of 2 instances take work, render@gpu1 leads (term 1)." in said("status")
    assert answered("status") == {
        "cluster": "default",
        "broker": "ok",
        "leader": HERE,
        "term": 1,
        "instances": 2,
        "ready": 1,
        "silent": [],
        "died": [],
        "waiting": 2,
        "later": 0,
        "retrying": 0,
        "due_in": None,
        "bound": 0,
        "active": 1,
        "suspended": [],
        "stalls": [],
        "stranded": [],
        "failures": {"hour": 0, "day": 0, "by_topic": []},
        "rules": [],
    }


def test_status_names_topics_that_nobody_can_run(said: Said, answered: Answered) -> None:
    join()
    waiting(topic="audio/mix")
    assert answered("status")["stranded"] == ["audio/mix"]
    assert "manage.py offload explain audio/mix" in said("status")


def test_jobs_that_are_delayed_are_due_later_and_not_stranded(
    said: Said, answered: Answered
) -> None:
    waiting(20, topic="audio/mix", delay=7200)
    told = said("status")
    assert "Jobs: 0 waiting, 20 due later, the first in 2 h," in told
    assert "20 of audio/mix due later" in told
    assert "no instance can run it yet" in told
    facts = answered("status")
    assert (facts["waiting"], facts["later"], facts["stranded"]) == (20, 20, [])
    assert 7000 < facts["due_in"] <= 7200
    waiting(topic="audio/mix")
    assert answered("status")["stranded"] == ["audio/mix"]
    assert "1 of audio/mix waiting, and no instance can run it" in said("status")


def test_status_says_what_failed_lately(said: Said, answered: Answered) -> None:
    assert "Failed" not in said("status")
    ids = waiting(3)
    terminations.give_up(
        ids, state="GIVEN_UP", error_type="shop.OutOfPaper", error="Fill tray 2\nnow"
    )
    age(ids[:1], "finished_at", seconds=7200)
    told = said("status")
    assert "Failed: 2 in the last hour, 3 in the last day." in told
    assert f"  2 / 3 of {TOPIC}: OutOfPaper: Fill tray 2\n" in told
    (line,) = answered("status")["failures"]["by_topic"]
    assert (line["topic"], line["error_type"], line["hour"]) == (TOPIC, "shop.OutOfPaper", 2)


def test_a_broker_that_is_away_is_said_first(
    said: Said, answered: Answered, app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "BROKER_TIMEOUT_SECONDS", 1)
    monkeypatch.setitem(app.conf, "broker_write_url", "redis+socket:///nowhere/valkey.sock")
    first = said("status").splitlines()[0]
    assert first.startswith("The broker at redis+socket:///nowhere/valkey.sock")
    assert "Start it: manage.py offload broker" in first
    assert "does not answer" in answered("status")["broker"]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis+socket:///var/valkey.sock?virtual_host=0", "manage.py offload broker"),
        ("amqp://localhost//", "The embedded one is started by"),
        ("amqp://user:**@rabbit.example//", "Start it, or correct CELERY_BROKER_URL."),
    ],
)
def test_the_remedy_fits_the_broker(url: str, told: str) -> None:
    assert told in broker.remedy(url)
    assert ("manage.py" in broker.remedy(url)) is ("example" not in url)


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


def test_an_instance_takes_one_line_whatever_it_consumes(
    said: Said, answered: Answered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    patterns = [f"dam/rendition/number-{number}" for number in range(8)]
    join(consumers=[{"pattern": one, "task": TASK} for one in patterns])
    told = said("instances").splitlines()
    assert len(told) == 2
    assert "dam/rendition/number-0 +7" in told[1]
    assert all(one in said("instances", "--long") for one in patterns)
    assert len(answered("instances")[0]["consumers"]) == 8


def test_what_rules_are_for_is_told_wherever_they_bite(said: Said, answered: Answered) -> None:
    leadership.acquire(HERE, join())
    join(THERE)
    rules.deny(HERE, TOPIC, note="driver update")
    rules.switch(THERE, off=True, note="disk is full")
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


def test_rules_are_listed_with_whom_they_concern(
    said: Said, answered: Answered, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "There is no rule" in said("rules")
    join(labels=["gpu"])
    monkeypatch.setattr(rulebook, "_users", lambda ids: dict.fromkeys(ids, "ada"))
    rules.allow("gpu", "dam/**", scope="label", by=User(pk=7))
    rules.deny(THERE, "audio/*", until=now() + timedelta(hours=1), note="moved")
    rules.switch(HERE, off=True, note="disk")
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


def last_beat(**ago: float) -> None:
    """Let all instances have beaten for the last time so long ago."""
    Instance.objects.update(beat_at=now() - timedelta(**ago))


def test_an_instance_that_died_is_named_until_it_is_back(said: Said, answered: Answered) -> None:
    membership.leave(HERE, join(), reason="its worker died", crash=True)
    for verb in ("status", "instances", "doctor"):
        assert f"Died within the last day, and not back: {HERE} (its worker died)." in said(verb)
    (died,) = answered("status")["died"]
    assert (died["name"], died["because"]) == (HERE, "its worker died")
    assert answered("instances", "--all")[0]["gone_because"] == "its worker died"

    last_beat(days=2)
    assert answered("status")["died"] == []
    join()
    assert "died" not in said("status").lower()


def test_instances_that_do_not_beat_take_no_work_and_are_told_of_at_once(
    said: Said, answered: Answered
) -> None:
    for number in range(8):
        join(f"render@gpu{number}")
    assert answered("status")["silent"] == []

    last_beat(hours=1)
    told = said("status")
    assert "0 of 8 instances take work" in told
    assert "No sign of life, and not declared gone: render@gpu0, " in told
    assert "and 3 more." in told
    assert len(answered("status")["silent"]) == 8
    assert said("doctor").count("No sign of life") == 1
    assert answered("instances")[0]["silent"]


def test_an_instance_that_froze_a_moment_ago_is_told_of_before_it_is_declared_gone(
    said: Said, answered: Answered
) -> None:
    join()
    waiting()
    last_beat(seconds=7)
    assert "0 of 1 instances take work" in said("status")
    assert "silent" in said("instances")
    assert f"{HERE} gives no sign of life for 7." in said("explain", TOPIC)
    assert answered("topics")[0]["can_run"] == 0
    (stranded,) = answered("status")["stalls"]
    assert stranded["why"].startswith(f"{HERE} gives no sign of life for 7.")
    assert stranded["next_step"] == f"Look at the host of {HERE}, and at the log of its worker."
    assert f"{HERE} gives no sign of life" in " ".join(said("doctor").split())


def test_what_stands_still_comes_before_the_numbers(said: Said, answered: Answered) -> None:
    join()
    rule = rules.deny(HERE, TOPIC, note="no licence")
    Queue.objects.create(name="narrow", topics=["x"], suspended=True)
    waiting(2, queue="narrow")
    told = said("status").splitlines()
    assert told[1].startswith(f"2 of {TOPIC} waiting, and no instance can run it: Rule {rule.pk}")
    assert told[2].strip().startswith(f"-> To end the rule: manage.py offload clear {rule.pk}")
    assert told[3].endswith("manage.py offload queues resume narrow (2 waiting)")
    assert told[4].startswith("Jobs: ")
    assert [one["count"] for one in answered("status")["stalls"]] == [2, 2]


def test_an_instance_that_is_off_is_shown_as_off(said: Said, answered: Answered) -> None:
    join()
    rules.switch(HERE, off=True)
    assert " off " in said("instances")
    assert answered("instances")[0]["off"] is True


def test_topics_are_those_consumed_and_those_of_jobs(said: Said, answered: Answered) -> None:
    join()
    waiting(3)
    waiting(topic="audio/mix")
    assert answered("topics") == [
        {"topic": "audio/mix", "waiting": 1, "bound": 0, "active": 0, "can_run": 0, **DUE},
        {"topic": "dam/**", "waiting": 0, "bound": 0, "active": 0, "can_run": 1, **DUE},
        {"topic": TOPIC, "waiting": 3, "bound": 0, "active": 0, "can_run": 1, **DUE},
    ]
    assert "audio/mix" in said("topics")


def test_topics_of_an_empty_cluster_say_what_to_do(said: Said) -> None:
    assert "manage.py offload doctor" in said("topics")


def test_queues_are_listed_with_limits_and_jobs(said: Said, answered: Answered) -> None:
    Queue.objects.create(name="slow", topics=["dam/**"], max_parallel=1, suspended=True)
    waiting(2, queue="slow")
    by_name = {one["name"]: one for one in answered("queues")}
    assert set(by_name) == {"default", "slow"}
    assert by_name["slow"]["topics"] == ["dam/**"]
    assert (by_name["slow"]["limit"], by_name["slow"]["suspended"]) == (1, True)
    assert (by_name["slow"]["waiting"], by_name["default"]["waiting"]) == (2, 0)
    assert "suspended" in said("queues")


def test_explain_gives_a_verdict_per_instance(said: Said, answered: Answered) -> None:
    join()
    join(THERE)
    rules.deny(THERE, TOPIC)
    facts = answered("explain", TOPIC)
    verdicts = {one["instance"]: one for one in facts["instances"]}
    assert facts["instance"] == HERE
    assert verdicts[HERE]["can_run"] is True
    assert verdicts[THERE]["obstacle"] == "denied"
    assert f"denies {TOPIC} on {THERE}" in said("explain", TOPIC)


def test_explain_refuses_what_is_no_topic(said: Said) -> None:
    with pytest.raises(CommandError, match="is not a topic"):
        said("explain", "dam//web")


def test_a_suspended_queue_is_named_with_its_note_and_the_way_on(
    said: Said, answered: Answered
) -> None:
    Queue.objects.create(name="narrow", topics=["dam/**"], suspended=True, note="disk full")
    told = "Queue narrow is suspended: disk full."

    status, findings = said("status"), " ".join(said("doctor").split())

    assert f"{told} To go on: manage.py offload queues resume narrow" in status
    assert f"{told} None of its jobs is sent." in findings
    assert answered("status")["suspended"] == ["narrow"]

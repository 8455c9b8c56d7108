"""status: how the cluster is, what stands still, and what to do about it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from offload.core.placement.topology import Mode
from offload.diagnostics import broker
from offload.fleet import leadership, membership
from offload.fleet.snapshots import now
from offload.models import Instance, Queue
from offload.rules import editing
from offload.tracking import terminations
from tests.integration.world import HERE, THERE, TOPIC, age, join, running, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    Said = Callable[..., str]
    Answered = Callable[..., Any]


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
        "peers": [],
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
    monkeypatch.setattr(broker, "CONNECT_TIMEOUT_SECONDS", 1)
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
    assert "it gives no sign of life" in said("instances")
    silent = rf"{HERE} has given no sign of life for (7|8|9|10|11)\b"
    assert re.search(silent, said("explain", TOPIC))
    assert answered("topics")[0]["can_run"] == 0
    (stranded,) = answered("status")["stalls"]
    assert re.match(silent, stranded["why"])
    assert stranded["next_step"] == f"Look at the host of {HERE}, and at the log of its worker."
    assert f"{HERE} has given no sign of life" in " ".join(said("doctor").split())


def test_what_stands_still_comes_before_the_numbers(said: Said, answered: Answered) -> None:
    join()
    rule = editing.deny(HERE, TOPIC, note="no licence")
    Queue.objects.create(name="narrow", topics=["x"], suspended=True)
    waiting(2, queue="narrow")
    told = said("status").splitlines()
    assert told[1].startswith(f"2 of {TOPIC} waiting, and no instance can run it: Rule {rule.pk}")
    assert told[2].strip().startswith(f"-> To end the rule: manage.py offload clear {rule.pk}")
    assert told[3].endswith("manage.py offload queues resume narrow (2 waiting)")
    assert told[4].startswith("Jobs: ")
    assert [one["count"] for one in answered("status")["stalls"]] == [2, 2]

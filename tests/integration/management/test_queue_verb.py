"""queues: the list, and changes of a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError

from offload.models import ChangeRecord, Queue
from tests.integration.world import TOPIC, bound, join, states, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = Callable[..., str]
    Answered = Callable[..., Any]


def test_jobs_that_a_queue_comes_too_late_for_are_told_of(said: Said, answered: Answered) -> None:
    waiting(3)
    waiting(topic="audio/mix")
    told = said("queues", "add", "slow", TOPIC)
    assert "Submitted before, 3 jobs of its topics stay in queue default and go by it." in told
    assert answered("queues", "suspend", "slow")["elsewhere"] == {"default": 3}
    waiting(queue="slow")
    assert answered("queues", "resume", "slow")["elsewhere"] == {"default": 3}
    assert "Jobs submitted before" not in said("queues", "remove", "slow")


def test_what_instances_must_have_is_set_shown_and_cleared(said: Said, answered: Answered) -> None:
    asked = ("--require", "gpu", "--require", "ram_gb>=64", "--require", "labels=licensed")
    said("queues", "add", "renders", "dam/**", *asked)
    told = ChangeRecord.objects.get().text
    assert "requires gpu == true, label licensed, ram_gb >= 64" in told
    given = {"gpu": True, "ram_gb": {">=": 64}, "labels": ["licensed"]}
    [renders] = [one for one in answered("queues") if one["name"] == "renders"]
    assert renders["requires"] == given
    assert "renders requires gpu == true, label licensed, ram_gb >= 64." in said("queues")
    said("queues", "set", "renders", "--limit", "2")
    assert Queue.objects.get().requires == given

    said("queues", "set", "renders", "--require", "none")

    assert Queue.objects.get().requires == {}
    with pytest.raises(CommandError, match=r"ram_gb>=many.*compares numbers"):
        said("queues", "set", "renders", "--require", "ram_gb>=many")


def test_a_queue_is_made_changed_and_removed(said: Said, answered: Answered) -> None:
    told = said(
        "queues", "add", "slow", "dam/**", "audio/mix", "--limit", "2", "--retries", "forever",
        "--cluster-order", "remote_first", "--rate", "100/m", "--burst", "5",
        "--window", "mon-fri 22:00-06:00", "--window", "sat 00:00-24:00",
        "--time-zone", "Europe/Berlin", "--ageing", "5m", "--retry-on", "ConnectionError",
        "--retry-on", "requests.Timeout", "--no-retry-on", "KeyError", "--rerun", "no",
        "--rescue", "same_or_error", "--rescue-wait", "10m",
        "--retry-delay", "1m30s", "--backoff", "2", "--keep", "30d", "--ranking", "5",
    )  # fmt: skip
    assert told == "Queue slow is made.\n"
    (slow,) = [one for one in answered("queues") if one["name"] == "slow"]
    assert slow == {
        "name": "slow",
        "topics": ["dam/**", "audio/mix"],
        "type": "unordered",
        "limit": 2,
        "max_per_instance": None,
        "max_per_host": None,
        "key": "",
        "max_per_key": None,
        "fair": False,
        "weights": {},
        "rate": "100/m",
        "burst": 5,
        "windows": ["mon-fri 22:00-06:00", "sat 00:00-24:00"],
        "time_zone": "Europe/Berlin",
        "ageing": 300.0,
        "cluster_order": "remote_first",
        "requires": {},
        "prefers": [],
        "retry_with": {},
        "leader_only": False,
        "prefer_creation_instance": False,
        "resources": {},
        "retries": -1,
        "retry_delay": 90.0,
        "backoff": 2.0,
        "retry_on": ["ConnectionError", "requests.Timeout"],
        "no_retry_on": ["KeyError"],
        "rerun": False,
        "rescue": "same_or_error",
        "rescue_seconds": 600.0,
        "retention_days": 30,
        "ranking": 5,
        "suspended": False,
        "drains": False,
        "held_since": None,
        "held_by": "",
        "note": "",
        "declared": False,
        "waiting": 0,
        "bound": 0,
        "active": 0,
    }
    said("queues", "set", "slow", "--limit", "none", "--keep", "forever", "--retries", "3")
    row = Queue.objects.get()
    assert (row.max_parallel, row.retention_days, row.retries, row.backoff) == (None, None, 3, 2.0)
    listed = said("queues")
    assert "slow: 100/m, at most 5 at once." in listed
    assert "slow: what is lost runs at the same instance, or ends as ERROR after 10 m." in listed
    assert "slow runs mon-fri 22:00-06:00, sat 00:00-24:00 (Europe/Berlin)." in listed
    said("queues", "set", "slow", "--rate", "none", "--window", "none", "--time-zone", "none",
         "--retry-on", "none", "--no-retry-on", "none", "--rerun", "yes")  # fmt: skip
    row = Queue.objects.get()
    assert (row.retry_on, row.no_retry_on, row.rerun) == ([], [], True)
    assert (row.rate, row.burst, row.windows, row.time_zone) == ("", None, [], "")
    said("queues", "set", "slow", "dam/*")
    assert Queue.objects.get().topics == ["dam/*"]
    assert "follow the default policy" in said("queues", "remove", "slow")
    assert not Queue.objects.exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["add", "new", "dam/**"], f"New jobs of {TOPIC} go to queue new, not default."),
        (["set", "slow", "--limit", "1"], "2 unstarted jobs would be taken back."),
        (["suspend", "slow"], "3 unstarted jobs would be taken back."),
        (["resume", "slow"], "Queue slow is resumed."),
        (["remove", "slow"], "follow the default policy"),
    ],
)
def test_a_dry_run_changes_no_queue_and_says_what_it_would_come_to(
    said: Said, answered: Answered, words: list[str], told: str
) -> None:
    join()
    Queue.objects.create(name="slow", topics=["audio/*"])
    jobs = [one.id for one in bound(3, queue="slow")]
    found = said("queues", *words, "--dry-run")
    assert found.startswith("Nothing was changed. With this change:\n")
    assert told in found
    facts = answered("queues", *words, "--dry-run")
    assert facts["dry_run"] is True
    assert facts["preview"]["recalled"] == facts["recalled"]
    assert list(Queue.objects.values_list("name", "max_parallel", "suspended")) == [
        ("slow", None, False)
    ]
    assert states(jobs) == ["QUEUED"] * 3


def test_a_lower_limit_takes_back_what_has_not_begun(answered: Answered) -> None:
    join()
    Queue.objects.create(name="slow", topics=["dam/**"])
    jobs = [one.id for one in bound(3, queue="slow")]
    assert answered("queues", "set", "slow", "--limit", "1")["recalled"] == 2
    assert sorted(states(jobs)) == ["PENDING", "PENDING", "QUEUED"]


def test_a_suspended_queue_says_why_wherever_it_keeps_jobs(said: Said, answered: Answered) -> None:
    join()
    said("queues", "add", "slow", "dam/**")
    (job_id,) = waiting(queue="slow")
    assert "is suspended" in said("queues", "suspend", "slow", "--note", "licence server moves")
    resume = "To resume it: manage.py offload queues resume slow"
    assert f": licence server moves. {resume}" in said("queues")
    assert "Its queue is suspended: licence server moves." in said("explain", TOPIC)
    assert "licence server moves." in said("job", job_id)
    assert "Queue slow is resumed." in said("queues", "resume", "slow")
    assert answered("queues")[-1]["note"] == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["add", "slow"], "Write its topics: manage.py offload queues add slow"),
        (["add", "slow", "dam/*/x"], "is not a pattern"),
        (["add", "no name", "dam/**"], "name: "),
        (["add", "slow", "dam/**", "--limit", "0"], "is not a whole number from 1"),
        (["add", "slow", "dam/**", "--limit", "9" * 50], "is not a whole number from 1"),
        (["add", "slow", "dam/**", "--type", "ordered", "--limit", "2"], "one job at a time"),
        (["add", "slow", "dam/**", "--backoff", "0.5"], "backoff: "),
        (["add", "slow", "dam/**", "--ranking", "9999999"], "ranking: "),
        (["add", "slow", "dam/**", "--keep", "36h"], "is not whole days"),
        (["add", "there", "dam/**"], "already exists"),
        (["set", "there"], "Say what to change"),
        (["set", "nowhere", "--limit", "2"], "There is no queue 'nowhere'"),
        (["suspend", "nowhere"], "There is no queue 'nowhere'"),
        (["suspend", "there", "--note", "x" * 256], "at most 255 characters"),
        (["pause", "there"], "there is no action 'pause'"),
    ],
)
def test_what_a_queue_cannot_be_is_refused(said: Said, arguments: list[str], told: str) -> None:
    Queue.objects.create(name="there", topics=["x"])
    with pytest.raises(CommandError, match=told):
        said("queues", *arguments)
    assert list(Queue.objects.values_list("name", "suspended")) == [("there", False)]


def test_what_the_settings_declare_is_changed_there(said: Said) -> None:
    Queue.objects.create(name="slow", topics=["x"], is_declared=True)
    assert 'Declared in OFFLOAD["QUEUES"]: slow.' in said("queues")
    for action in (["set", "slow", "--limit", "2"], ["remove", "slow"]):
        with pytest.raises(CommandError, match=r"declared in OFFLOAD.*Change it there"):
            said("queues", *action)
    said("queues", "suspend", "slow")
    assert Queue.objects.get().suspended


def test_a_queue_takes_a_line_of_80_columns(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    Queue.objects.create(name="thumbnails", topics=["dam/rendition/*"], suspended=True, retries=-1)
    Queue.objects.create(name="ordered", topics=["dam/metadata"], type="ordered")
    lines = said("queues").splitlines()
    assert len(lines) == 5
    assert "dam/rendition/*" in said("queues")
    assert "in order" in said("queues")
    assert "thumbnails is suspended. To resume it: manage.py offload queues resume" in lines[-1]

"""Empty, wrong and misspelt words: each verb names the problem and a suggestion."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError

from offload.models import Job, Queue
from offload.rules import editing
from offload.tracking import terminations
from tests.apps import forget_consumers
from tests.databases import SQLITE
from tests.integration.world import HERE, TOPIC, join, states, waiting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Said = Callable[..., str]
    Answered = Callable[..., Any]

pytestmark = pytest.mark.parametrize("database_alias", [SQLITE], indirect=True)

NEWER = """
from offload.messaging.installation import installed
from offload.worker.tasks.task import ConsumerTask

@installed().task(base=ConsumerTask, pattern="dom/x", topic="dom/x", shared=False, lazy=False)
def newer(job):
    pass
"""
EMPTY = [
    *[f"{verb} --{option}" for verb in ("jobs", "stop --yes", "retry --yes", "remove --yes")
      for option in ("queue", "topic", "instance", "error", "since", "state")],
    "job", "stop", "retry", "remove", "rules --instance", "broker --directory",
    "explain", "submit", "submit a --queue", "submit a --set", "submit a --file",
    "queues suspend", "queues set --limit 2", "off", "on", "clear",
]  # fmt: skip


@pytest.mark.parametrize("verb", EMPTY)
def test_an_empty_word_is_refused_and_changes_nothing(said: Said, verb: str) -> None:
    """A shell makes one of a variable that is not set; it must not mean every job."""
    join()
    ids = waiting(2)

    with pytest.raises(CommandError, match=r"empty|not a state|not a duration|not key=value|''"):
        said(*verb.split(), "")

    assert states(ids) == ["PENDING", "PENDING"]


NEAR = {
    "jobs --queue rendr": "There is no queue 'rendr' in the database. Did you mean 'render'?",
    "stop --queue rendr --yes": "Did you mean 'render'?",
    "jobs --instance render@gpu0": f"Did you mean '{HERE}'?",
    "retry --instance render@gpu0 --yes": f"Did you mean '{HERE}'?",
    "rules --instance render@gpu0": f"Did you mean '{HERE}'?",
    "off render@gpu0": f"Did you mean '{HERE}'?",
    "queues set rendr --limit 2": "Did you mean 'render'?",
    "submit a --queue rendr": "Did you mean 'render'?",
    "jobs --state faild": "Did you mean 'failed'?",
    "stop --state pending,actve --yes": "Did you mean 'active'?",
    "queues susped render": "there is no action 'susped'. Did you mean 'suspend'?",
    "queues zzz": "'manage.py offload queues --help' lists them",
    "queues set render --type orderd": "Did you mean 'ordered'?",
    "queues set render --backoff much": "'much' is not a number from 1 to 1,000",
    "queues set render --ranking high": "'high' is not a whole number from -1,000,000",
    "deny render TOPIC --scope labl": "Did you mean 'label'?",
    "submit a --priority high": "'high' is not a whole number from -32,768 to 32,767",
    "job abc": "write at least 4 characters",
    "job abcd": "the id is misspelled",
    "stop abcd": "the id is misspelled",
}


@pytest.mark.parametrize(("words", "told"), NEAR.items(), ids=NEAR)
def test_the_nearest_name_is_told(said: Said, words: str, told: str) -> None:
    join()
    Queue.objects.create(name="render", topics=["audio/**"])

    with pytest.raises(CommandError) as refused:
        said(*words.split())

    assert told in str(refused.value)


def test_a_queue_that_is_gone_still_has_its_jobs(said: Said, answered: Answered) -> None:
    (job_id,) = waiting()
    Job.objects.filter(pk=job_id).update(queue="former")

    assert [one["id"] for one in answered("jobs", "--queue", "former")] == [job_id]
    assert "no such job" in said("jobs", "--queue", "former", "--state", "failed")
    assert "no such job" in said("jobs", "--queue", "default")


@pytest.mark.parametrize("verb", [["jobs"], ["stop", "--yes"]])
def test_a_topic_without_jobs_names_the_nearest(said: Said, verb: list[str]) -> None:
    join(consumers=[{"pattern": TOPIC, "task": "t"}])

    told = said(*verb, "--topic", "dam/renditon/web")

    assert f"There is no such job. Did you mean '{TOPIC}'?" in told


def test_explain_and_submit_name_the_nearest_topic(said: Said, answered: Answered) -> None:
    join()

    assert "Start one that has. Did you mean dam/**?" in said("explain", "dom/x")
    assert "Did you mean dam/**?" in answered("explain", "dom/x")["sentence"]
    assert "Did you mean" not in said("explain", "zoo")
    assert "Did you mean dam/**?" in said("submit", "dom/x")
    assert "consumer" not in said("submit", "dam/x")


@pytest.mark.parametrize("verb", ["explain", "submit"])
def test_code_that_is_newer_than_the_workers_says_to_restart_them(
    said: Said, app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """The commonest way to have a topic that nobody runs: it was written while they ran."""
    join()
    (tmp_path / "newer.py").write_text(NEWER)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "newer", raising=False)
    monkeypatch.setitem(vars(app.loader), "default_modules", ["newer"])
    try:
        told = said(verb, "dom/x")
        job_id = Job.objects.values_list("pk", flat=True).first() or waiting(topic="dom/x")[0]
        shown = said("job", job_id)
    finally:
        forget_consumers(app)

    for answer in (told, shown):
        assert "the code here has one: restart the workers" in answer
    assert "Did you mean" not in told


@pytest.mark.parametrize(
    ("words", "meant"),
    [(["render@gpu0"], HERE), (["gpus", "--scope", "label"], "gpu"), (["zoo@x"], "")],
)
def test_a_rule_for_nobody_names_the_nearest(said: Said, words: list[str], meant: str) -> None:
    join(labels=["gpu"])

    told = said("deny", words[0], TOPIC, *words[1:])

    assert "No instance here matches" in told
    assert ("Did you mean" in told) is bool(meant)
    assert meant in told


def test_rules_of_an_instance_are_also_those_that_wait_for_it(said: Said) -> None:
    editing.deny("later@x", TOPIC)

    assert TOPIC in said("rules", "--instance", "later@x")


def test_rules_of_an_instance_without_any_say_so(said: Said) -> None:
    join()
    editing.deny("later@x", TOPIC)

    assert f"No rule concerns {HERE}" in said("rules", "--instance", HERE)


def test_the_default_queue_is_changed_and_suspended_without_a_row(
    said: Said, answered: Answered
) -> None:
    said("queues", "suspend", "default", "--note", "moving")
    said("queues", "set", "default", "--limit", "2")

    (line,) = answered("queues")
    assert (line["name"], line["limit"], line["suspended"]) == ("default", 2, True)
    assert line["topics"] == ["**"]


def test_the_default_queue_with_a_row_lets_every_other_go_first(answered: Answered) -> None:
    Queue.objects.create(name="slow", topics=["**"], ranking=-5)
    answered("queues", "set", "default", "--limit", "2")

    assert answered("explain", TOPIC)["queue"] == "slow"


def test_an_error_that_is_cut_shows_it(said: Said) -> None:
    terminations.give_up(
        waiting(), state="GIVEN_UP", error_type="shop.Out", error="fill the tray " * 50
    )

    for verb in ("status", "jobs"):
        told = said(verb)
        assert "fill the tray" in told
        assert "\N{HORIZONTAL ELLIPSIS}" in told, verb


def test_a_job_that_expires_at_once_is_refused(said: Said) -> None:
    with pytest.raises(CommandError, match="no time at all"):
        said("submit", TOPIC, "--expires", "0")

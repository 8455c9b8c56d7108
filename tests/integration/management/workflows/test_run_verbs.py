"""workflows and runs: what is defined, what runs, and what is done to it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain
from django.core.management import CommandError
from django.utils.module_loading import autodiscover_modules

from offload.checks.consumers import check
from offload.diagnostics import runs
from offload.models import ChangeRecord, Job, Run
from offload.workflows import definitions, media_type, result, start, step, workflow
from tests.integration.world import HERE, THERE, join

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = Callable[..., str]
    Answered = Callable[..., Any]


def whole(*, width: int = 5) -> Any:
    """Make it, look at it, and tell."""
    return chain(
        step("made/first", called="first", outputs=["a.txt"], width=width),
        step("made/second", called="second", inputs=["a.txt"], when=media_type("text/*")),
        step("made/each", called="each", for_each=result("first", "pages"), on_error="go_on"),
    )


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Define one workflow that is well and one that is not."""
    autodiscover_modules(*definitions.WORKFLOW_MODULES)
    monkeypatch.setattr(definitions, "defined", {})
    workflow("made/whole")(whole)
    workflow("made/torn")(lambda: step("made/first", inputs=["x"]))


def test_workflows_are_listed_with_what_is_wrong_with_them(said: Said, answered: Answered) -> None:
    torn, made = answered("workflows")

    assert (made["name"], made["steps"], made["problem"]) == ("made/whole", 3, "")
    assert made["parameters"] == "width: 'int' = 5"
    assert "needs 'x', which nobody makes" in torn["problem"]
    assert made["unknown_topics"] == ["made/first", "made/second", "made/each"]
    assert "made/torn" in said("workflows")


def test_a_workflow_is_shown_with_its_steps(said: Said, answered: Answered) -> None:
    told = said("workflows", "made/whole")
    graph = answered("workflows", "made/whole")["graph"]

    assert "when a.txt is text/*" in told
    assert "for each of first['pages']" in told
    assert "No consumer of this code takes made/first, made/second, made/each." in told
    assert graph["steps"][2] == {
        "name": "each", "topic": "made/each", "waits_for": ["second", "first"], "inputs": [],
        "outputs": [], "when": None, "for_each": "first['pages']", "on_error": "go_on",
    }  # fmt: skip
    assert said("workflows", "made/whole", "--mermaid") == graph["mermaid"] + "\n"
    with pytest.raises(CommandError, match=r"There are: made/torn, made/whole"):
        said("workflows", "made")


def test_a_run_is_started_shown_and_listed(said: Said, answered: Answered) -> None:
    made = answered("runs", "start", "made/whole", "--set", "width=7", "--note", "it is new")
    row = Run.objects.get()

    assert (made["id"], made["state"], made["parameters"]) == (row.pk, "RUNNING", {"width": 7})
    assert [one["state"] for one in made["steps"]] == ["RUNNING", "WAITING", "WAITING"]
    assert made["steps"][1]["why"] == "waits for first"
    assert (made["reason"], "@" in made["by"]) == ("it is new", True)
    assert answered("runs")[0]["id"] == row.pk
    assert answered("runs", "--state", "FAILED") == []
    assert answered("runs", "--workflow", "made/whole")[0]["step_count"] == 3
    assert "0 of 3" in said("runs")
    assert "waits for first" in said("runs", "show", row.pk[-8:])


def test_wrong_words_are_refused_and_start_nothing(said: Said) -> None:
    for words, told in [
        (["start", "made/none"], "There is no workflow 'made/none'"),
        (["start", "made/whole", "--set", "with=7"], "did you mean 'width'"),
        (["start", "made/whole", "--set", "width=x"], "takes int for 'width', not 'x'"),
        (["start", "made/torn"], "which nobody makes"),
        (["start", "made/whole", "--file", "a"], "is not key=value"),
        (["show", "gone"], "gone"),
        (["stopp", "x"], "Did you mean 'stop'"),
    ]:
        with pytest.raises(CommandError, match=told):
            said("runs", *words)
    assert not Run.objects.exists()


def test_a_run_is_paused_resumed_skipped_stopped_and_restarted(
    said: Said, answered: Answered
) -> None:
    run = start("made/whole").id

    assert "It is paused" in said("runs", "pause", run, "--note", "lunch")
    assert answered("runs", "resume", run)["paused"] is False
    assert answered("runs", "skip", run, "each")["steps"][2]["state"] == "SKIPPED"
    stopped = answered("runs", "stop", run)
    assert [one["state"] for one in stopped["steps"]] == ["STOPPED", "STOPPED", "SKIPPED"]
    assert stopped["state"] == "STOPPED"
    again = answered("runs", "restart", run)
    assert (again["former"], again["relation"], again["state"]) == (run, "restart", "RUNNING")
    assert f"It restarts run {run}." in said("runs", "show", again["id"])
    copied = answered("runs", "copy", run, "--set", "width=9")
    assert copied["parameters"] == {"width": 9}
    assert [one.action for one in ChangeRecord.objects.order_by("id")] == [
        "pause run", "resume run", "skip step", "stop run", "restart run",
    ]  # fmt: skip
    assert "lunch" in json.dumps(answered("changes", "--of", run))


def test_a_run_is_placed_at_an_instance_and_freed(said: Said, answered: Answered) -> None:
    join(consumers=[{"pattern": "made/**", "task": "made"}])
    join(THERE, consumers=[{"pattern": "made/first", "task": "made"}])
    run = answered("runs", "start", "made/whole", "--placement", "near")["id"]

    tried = answered("runs", "place", run, HERE, "--dry-run")
    assert {one["place"] for one in tried["steps"]} == {HERE}
    placed = answered("runs", "place", run, HERE, "--note", "it has the disk")
    assert (placed["placement"], placed["instance"]) == ("together", HERE)
    assert f"It is placed at {HERE}." in said("runs", "show", run)
    assert "it has the disk" in json.dumps(answered("changes", "--of", run))
    assert answered("runs", "place", run, "--anywhere")["placement"] == ""
    for words, told in [
        ([run, THERE], f"cannot be placed at {THERE}: {THERE} has no consumer for made/second"),
        ([run, "render@gpu"], "Did you mean"),
        ([run], "one of the arguments INSTANCE --anywhere is required"),
        ([run, "--anywhere"], "at no instance as a whole already"),
    ]:
        with pytest.raises(CommandError, match=told):
            said("runs", "place", *words)
    with pytest.raises(CommandError, match="invalid choice: 'there'"):
        said("runs", "start", "made/whole", "--placement", "there")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["stop"], ["first is asked to stop", "second: WAITING → STOPPED"]),
        (["pause"], ["No step changes at once."]),
        (["skip", "second"], ["second: WAITING → SKIPPED"]),
    ],
    ids=lambda one: one[0],
)
def test_a_dry_run_says_what_would_become_of_each_step_and_changes_nothing(
    said: Said, answered: Answered, words: list[str], told: list[str]
) -> None:
    run = start("made/whole").id
    before = Run.objects.values().get()

    action, *rest = words
    shown = said("runs", action, run, *rest, "--dry-run")

    assert "Nothing was changed" in shown
    assert all(one in shown for one in told)
    assert Run.objects.values().get() == before
    assert not ChangeRecord.objects.exists()
    assert answered("runs", action, run, *rest, "--dry-run")["dry_run"] is True


def test_the_doctor_tells_of_paused_runs() -> None:
    run = start("made/whole")
    before = list(runs.examine())
    run.pause()

    [found] = runs.examine()

    assert before == []
    assert found.fact.startswith(f"1 run is paused, the oldest is {run.id} of made/whole")
    assert found.next_step.endswith(f"runs resume {run.id}")


def test_a_dry_run_of_a_restart_says_what_is_kept(said: Said) -> None:
    run = start("made/whole")
    run.stop()

    shown = said("runs", "restart", run.id, "--dry-run")

    assert "first: STOPPED → RUNNING" in shown
    assert Run.objects.count() == 1
    assert Job.objects.count() == 1


def test_what_cannot_be_done_to_a_run_is_refused_with_the_reason(said: Said) -> None:
    run = start("made/whole").id
    said("runs", "stop", run)

    for words in (["pause", run], ["stop", run], ["skip", run, "each"]):
        with pytest.raises(CommandError, match="has ended: it is STOPPED"):
            said("runs", *words)
    with pytest.raises(CommandError, match="of its steps wait or run"):
        said("runs", "start", "made/whole", "--timeout", "1s")


def test_the_check_reports_what_cannot_start_and_topics_that_nobody_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(definitions, "WORKFLOW_MODULES", ())
    monkeypatch.setattr(sys, "argv", ["manage.py", "check"])

    found = {one.id: f"{one.msg} {one.hint}" for one in check()}

    assert "which nobody makes" in found["offload.E025"]
    assert "No run of made/torn can start" in found["offload.E025"]
    assert "made/first, made/second, made/each" in found["offload.W012"]
    monkeypatch.setattr(sys, "argv", ["manage.py", "migrate"])
    assert check() == []

"""runs approve, reject, event; explain of a run; the doctor on what waits for long."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain
from django.core.management import CommandError
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules

from offload.diagnostics import runs
from offload.models import ChangeRecord, StepWait
from offload.workflows import approval, definitions, event, hand_over, start, step, workflow

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = Callable[..., str]
    Answered = Callable[..., Any]


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Define a workflow that waits for everything."""
    autodiscover_modules(*definitions.WORKFLOW_MODULES)
    monkeypatch.setattr(definitions, "defined", {})
    workflow("made/asks")(
        lambda: chain(approval("May it?"), event("paid"), hand_over(called="the farm"))
    )
    workflow("made/job")(lambda: chain(step("made/first", called="first"), approval()))


def test_a_step_is_approved_and_rejected(said: Said, answered: Answered) -> None:
    run, other = start("made/asks").id, start("made/asks").id

    shown = said("runs", "show", run)
    made = answered("runs", "approve", run, "approval", "--note", "fine")
    rejected = answered("runs", "reject", other, "approval")

    assert "waits for an approval: May it?" in shown
    assert f"manage.py offload runs approve {run} approval, or reject" in shown
    assert [one["state"] for one in made["steps"]] == ["SUCCEEDED", "WAITING", "WAITING"]
    assert [one["waits_for"] for one in made["steps"]] == [None, "event", None]
    assert "approved by" in made["steps"][0]["why"]
    assert rejected["state"] == "FAILED"
    assert [one.action for one in ChangeRecord.objects.order_by("id")] == [
        "approve step", "reject step",
    ]  # fmt: skip
    with pytest.raises(CommandError, match=r"has step approval approved by .*: fine"):
        said("runs", "reject", run, "approval")


def test_a_dry_run_decides_nothing(said: Said, answered: Answered) -> None:
    run = start("made/asks").id

    shown = said("runs", "approve", run, "approval", "--dry-run")
    sent = answered("runs", "event", "paid", "--dry-run")

    assert "approval: WAITING → SUCCEEDED" in shown
    assert sent == {"event": "paid", "dry_run": True, "steps": []}
    assert StepWait.open().count() == 1
    assert not ChangeRecord.objects.exists()


def test_an_event_is_sent_to_those_that_wait(said: Said, answered: Answered) -> None:
    run = start("made/asks")
    run.approve("approval")

    previewed = answered("runs", "event", "paid", "--value", '{"sum": 5}', "--dry-run")
    assert "the event paid" in said("explain", run.id)
    sent = answered("runs", "event", "paid", "--value", '{"sum": 5}', "--run", run.id[-8:])

    assert previewed["steps"] == sent["steps"] == [{"run": run.id, "step": "paid"}]
    assert StepWait.objects.get(step="paid").value == {"sum": 5}
    assert "No step waits for the event paid." in said("runs", "event", "paid")
    with pytest.raises(CommandError, match="it is empty"):
        said("runs", "event", " ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["approve", "gone", "approval"], "gone"),
        (["approve", "{run}", "first"], "no step first that waits for an approval: it is a job"),
        (["approve", "{run}", "second"], "Its steps are: first, approval"),
        (["approve", "{run}", "approval"], "has step approval not waiting yet"),
        (["aprove", "{run}", "approval"], "Did you mean 'approve'"),
        (["event", "paid", "--run", "gone"], "gone"),
    ],
)
def test_wrong_words_are_refused_and_decide_nothing(
    said: Said, words: list[str], told: str
) -> None:
    run = start("made/job").id

    with pytest.raises(CommandError, match=told):
        said("runs", *(one.format(run=run) for one in words))
    assert not ChangeRecord.objects.exists()


def test_a_run_is_explained_by_what_it_waits_for(said: Said, answered: Answered) -> None:
    run = start("made/job")

    facts = answered("explain", run.id)
    shown = said("explain", run.id)

    assert [one["name"] for one in facts["steps"]] == ["first", "approval"]
    assert "approval: waits for first" in shown
    assert "first: job" in shown
    run.stop()
    assert "Nothing: it is STOPPED." in said("explain", run.id)


def test_a_workflow_is_shown_with_what_it_waits_for(said: Said, answered: Answered) -> None:
    assert "waits for an approval: May it?" in said("workflows", "made/asks")
    found = answered("workflows", "made/asks")
    assert (found["problem"], found["unknown_topics"]) == ("", [])
    assert "waits for the event paid" in found["graph"]["mermaid"]
    assert found["graph"]["steps"][2]["wait"]["kind"] == "token"


def test_the_doctor_tells_of_steps_that_have_waited_for_long() -> None:
    run = start("made/asks")
    before = list(runs.examine())
    StepWait.objects.update(created_at=timezone.now() - timedelta(days=2))

    [found] = runs.examine()

    assert before == []
    assert found.fact == (
        "1 step has waited more than 1 d for an approval, without a limit (within=). The oldest "
        f"is approval of run {run.id} of made/asks."
    )
    assert found.next_step.endswith(f"runs approve {run.id} approval, or reject")
    run.approve("approval")
    run.skip("paid")
    StepWait.objects.update(created_at=timezone.now() - timedelta(days=2))
    [found] = runs.examine()
    assert found.next_step.endswith(f"runs skip {run.id} 'the farm'")


def test_a_workflow_is_shown_with_what_undoes_its_steps(said: Said, answered: Answered) -> None:
    workflow("made/undone")(
        lambda: chain(
            step("made/a", called="a", compensate="made/back"),
            step("made/b", called="b", on_error="compensate"),
        )
    )

    found = answered("workflows", "made/undone")

    assert "undone by made/back" in said("workflows", "made/undone")
    assert [one.get("compensate") for one in found["graph"]["steps"]] == ["made/back", None]
    assert "undone by made/back" in found["graph"]["mermaid"]
    assert "made/back" in found["unknown_topics"]


def test_what_was_not_undone_is_said_loudly(said: Said, answered: Answered) -> None:
    workflow("made/undone")(
        lambda: chain(
            hand_over(called="a"), step("made/b", called="b", compensate="made/back"),
            approval(on_error="compensate"),
        )
    )  # fmt: skip
    run = start("made/undone")
    row = run.row
    row.plan = {
        "a": ["SUCCEEDED", "", "", None, True], "b": ["SUCCEEDED", "", "", None],
        "approval": ["FAILED", "", "rejected", None, True],
        "undo b": ["FAILED", "", "no way back", None],
    }  # fmt: skip
    row.save(update_fields=["plan"])

    assert "NOT UNDONE, though the run failed: b." in said("runs", "show", run.id)
    assert answered("runs", "show", run.id)["not_undone"] == ["b"]

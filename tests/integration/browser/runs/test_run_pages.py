"""The pages of runs and workflows: how far a run is, and what is done to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from celery import chain
from django.urls import reverse

from offload.jobs import aftermath
from offload.models import ChangeRecord, Run
from offload.workflows import RunHandle, definitions, start, step, workflow
from tests.integration.browser.pages import text
from tests.integration.world import HERE, THERE, join

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

WORKFLOWS = reverse("admin:offload_run_workflows")
LIST = reverse("admin:offload_run_changelist")


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Define one workflow that is well and one that is not."""
    monkeypatch.setattr(definitions, "WORKFLOW_MODULES", ())
    monkeypatch.setattr(definitions, "defined", {})
    workflow("made/whole")(whole)
    workflow("made/torn")(lambda: step("made/first", inputs=["<x>"]))


def whole(*, width: int = 5) -> Any:
    """Do it, then tell."""
    return chain(
        step("made/first", called="first", width=width), step("made/second", called="second")
    )


def page_of(run: RunHandle, action: str = "change") -> str:
    """Return the address of a run's page, or of an action on it."""
    return reverse(f"admin:offload_run_{action}", args=[run.id])


def test_a_run_shows_its_steps_and_why_they_wait(boss: Client) -> None:
    run = start("made/whole", {"width": 7}, by="ada", reason="it is new", user_data="u")

    found = text(boss, page_of(run))
    content = boss.get(page_of(run)).content.decode()

    for one in (
        "► running",
        "second ◌ waiting waits for first",
        "ada",
        "it is new",
        "&quot;width&quot;: 7",
    ):
        assert one in found
    assert "<svg" in content
    assert "flowchart LR" in content
    assert page_of(run) in boss.get(LIST).content.decode()
    job = run.plan["first"].job
    assert (
        page_of(run) in boss.get(reverse("admin:offload_job_change", args=[job])).content.decode()
    )
    assert "made/second ◌ waits for earlier steps" in text(
        boss, reverse("admin:offload_job_change", args=[job])
    )


def test_the_page_is_sent_again_once_the_run_has_changed(boss: Client) -> None:
    run = start("made/whole")
    version = boss.get(page_of(run)).context["version"]

    assert boss.get(page_of(run, "now"), {"v": version}).status_code == 204
    run.pause()
    assert b"paused" in boss.get(page_of(run, "now"), {"v": version}).content


@pytest.mark.parametrize(
    ("control", "step_name", "effect", "action"),
    [
        ("stop", "", "first is asked to stop", "stop run"),
        ("force", "", "second: WAITING → STOPPED", "force run"),
        ("pause", "", "No step changes at once.", "pause run"),
        ("skip", "second", "second: WAITING → SKIPPED", "skip step"),
    ],
)
def test_a_button_asks_with_a_preview_and_then_does_it(
    boss: Client, control: str, step_name: str, effect: str, action: str
) -> None:
    run = start("made/whole")
    before = Run.objects.values().get()
    given = {"step": step_name} if step_name else {}

    asked = text(boss, f"{page_of(run, control)}?{'&'.join(f'{k}={v}' for k, v in given.items())}")
    unchanged = Run.objects.values().get()
    answer = boss.post(page_of(run, control), {**given, "note": "late"}, follow=True)

    assert effect in asked
    assert unchanged == before
    assert answer.status_code == 200
    assert Run.objects.values().get() != before
    record = ChangeRecord.objects.get()
    assert (record.action, record.actor, record.subject) == (action, "admin", run.id)
    assert "late" in record.text


def test_a_step_that_was_undone_by_hand_is_taken_off_the_warning(boss: Client) -> None:
    workflow("made/undone")(
        lambda: chain(
            step("made/a", called="a", compensate="made/back"),
            step("made/b", called="b", on_error="compensate"),
        )
    )
    run = start("made/undone")
    ends = {"a": "SUCCEEDED", "b": "FAILED", "undo a": "FAILED"}
    plan = {name: [state, "", "", None] for name, state in ends.items()}
    Run.objects.update(plan=plan, not_undone=1, **{"state": "FAILED"})

    assert "Mark a as undone…" in text(boss, page_of(run))
    assert "undo a: FAILED → SUCCEEDED" in text(boss, f"{page_of(run, 'undone')}?step=a")
    boss.post(page_of(run, "undone"), {"step": "a", "note": "by phone"})

    assert 'id="not-undone"' not in boss.get(page_of(run)).content.decode()
    assert (Run.objects.get().not_undone, ChangeRecord.objects.get().action) == (0, "undo step")
    assert Run.objects.get().ended_at is None


def test_a_button_asks_where_to_place_a_run_and_says_why_not_elsewhere(boss: Client) -> None:
    join(consumers=[{"pattern": "made/**", "task": "made"}])
    join(THERE, consumers=[{"pattern": "made/first", "task": "made"}])
    run = start("made/whole")

    asked = boss.get(page_of(run, "place")).content.decode()
    assert f'href="?instance={quote(HERE, safe="")}"' in asked
    assert f"{THERE} has no consumer for made/second." in asked
    sure = text(boss, f"{page_of(run, 'place')}?instance={HERE}")
    assert f"second runs at {HERE}" in sure
    assert run.row.instance == ""

    boss.post(page_of(run, "place"), {"instance": HERE, "note": "late"})
    assert run.row.instance == HERE
    assert f"It is placed at {HERE}." in text(boss, page_of(run))
    assert "it is placed there." in text(boss, page_of(run, "place"))
    boss.post(page_of(run, "place"), {"instance": "*"})
    assert run.row.placement == ""
    assert ChangeRecord.objects.count() == 2


def test_a_run_is_resumed_and_restarted_by_its_buttons(boss: Client) -> None:
    run = start("made/whole")
    run.pause()
    boss.post(page_of(run, "resume"))
    run.stop()
    aftermath.sweep()

    assert "first: STOPPED → RUNNING" in text(boss, page_of(run, "restart"))
    answer = boss.post(page_of(run, "restart"), follow=True)

    again = Run.objects.exclude(pk=run.id).get()
    assert answer.redirect_chain[-1][0] == page_of(RunHandle(again.pk))
    assert "goes on from the old one" in answer.content.decode()
    assert "Restarted as" in text(boss, page_of(run))


def test_what_cannot_be_done_is_said_on_the_page(boss: Client) -> None:
    run = start("made/whole")

    answer = boss.get(page_of(run, "resume"), follow=True)

    assert "is not paused" in answer.content.decode()
    gone = page_of(RunHandle("gone"), "stop")
    assert boss.get(gone).status_code == 404


def test_a_copy_has_the_parameters_that_were_edited(boss: Client) -> None:
    run = start("made/whole", {"width": 7})

    assert '"width": 7' in text(boss, page_of(run, "copy")).replace("&quot;", '"')
    wrong = boss.post(page_of(run, "copy"), {"parameters": '{"widht": 1}'}).content.decode()
    torn = boss.post(page_of(run, "copy"), {"parameters": "[1]"}).content.decode()
    unread = boss.post(page_of(run, "copy"), {"parameters": "{"}).content.decode()
    assert "does not take &#x27;widht&#x27;" in wrong
    assert "Parameters are a JSON object." in torn
    assert 'id="problem"' in unread
    assert Run.objects.count() == 1

    given = {"parameters": json.dumps({"width": 9}), "note": "wider"}
    boss.post(page_of(run, "copy"), given)

    made = Run.objects.exclude(pk=run.id).get()
    assert (made.properties, made.reason, made.actor, made.relation) == (
        {"width": 9}, "wider", "admin", "copy",
    )  # fmt: skip


def test_workflows_are_drawn_and_problems_are_said(boss: Client) -> None:
    content = boss.get(WORKFLOWS).content.decode()

    assert "<svg" in content
    assert "needs &#x27;&lt;x&gt;&#x27;, which nobody makes" in content
    assert "<x>" not in content


def test_each_button_needs_its_permission(staff: Callable[..., Client]) -> None:
    run = start("made/whole", {"width": 7})
    sees, operates = staff("view_run"), staff("view_run", "operate_job")

    assert sees.get(page_of(run)).status_code == 200
    assert "&quot;width&quot;: 7" not in text(sees, page_of(run))
    assert sees.get(page_of(run, "stop")).status_code == 403
    assert sees.post(page_of(run, "stop")).status_code == 403
    assert operates.get(page_of(run, "copy")).status_code == 403
    assert staff("view_job").get(page_of(run)).status_code == 403
    assert operates.post(page_of(run, "pause")).status_code == 302
    assert run.row.paused

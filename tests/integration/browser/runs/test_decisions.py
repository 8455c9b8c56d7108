"""Pages of steps that wait for an approval: who sees them, and who decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from celery import chain
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from offload.models import ChangeRecord, Run, StepWait
from offload.workflows import approval, definitions, event, start, step, workflow
from tests.integration.browser.pages import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from django.test import Client

    from offload.workflows import RunHandle

WAITING = reverse("admin:offload_run_waiting")


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Define workflows that ask."""
    monkeypatch.setattr(definitions, "WORKFLOW_MODULES", ())
    monkeypatch.setattr(definitions, "defined", {})
    workflow("made/asks")(
        lambda: chain(approval("May it?", called="the ok"), step("made/last", called="last"))
    )
    workflow("made/own")(lambda: approval("Mine?", permission="auth.publish"))
    workflow("made/event")(lambda: event("paid"))


def page_of(run: RunHandle, action: str = "change", **given: str) -> str:
    """Return the address of a run's page, or of an action on it."""
    address = reverse(f"admin:offload_run_{action}", args=[run.id])
    return f"{address}?{urlencode(given)}" if given else address


def test_a_step_is_approved_on_its_page(boss: Client) -> None:
    run = start("made/asks")

    shown = text(boss, page_of(run))
    preview = text(boss, page_of(run, "approve", step="the ok"))
    assert StepWait.open().count() == 1
    given = {"step": "the ok", "note": "fine"}
    answer = boss.post(page_of(run, "approve"), given, follow=True).content.decode()

    assert "waits for an approval: May it? Approve the ok… Reject the ok…" in shown
    assert "the ok: WAITING → SUCCEEDED" in preview
    assert "last: WAITING → RUNNING" in preview
    assert "The step is approved." in answer
    assert "approved by admin: fine" in answer
    assert "Approve the ok" not in answer
    assert ChangeRecord.objects.get().action == "approve step"


def test_whoever_decides_second_is_told_who_was_first(
    boss: Client, staff: Callable[..., Client]
) -> None:
    run = start("made/asks")
    late = staff("view_run", "approve_step")
    boss.post(page_of(run, "reject"), {"step": "the ok", "note": "too dark"})

    answer = late.post(page_of(run, "approve"), {"step": "the ok"}, follow=True).content.decode()

    assert "has step the ok rejected by admin: too dark" in answer
    assert run.plan["the ok"].state == "FAILED"


def test_what_waits_is_listed_for_those_who_may_decide(
    boss: Client, staff: Callable[..., Client]
) -> None:
    asks, own = start("made/asks"), start("made/own")
    start("made/event")

    all_of_it = text(boss, WAITING)
    some = staff("approve_step")
    listed = text(some, WAITING)

    assert "May it? made/asks the ok" in all_of_it
    assert "Mine? made/own approval" in all_of_it
    assert "May it" in listed
    assert "Mine?" not in listed
    assert "Nothing waits for you." in text(staff("view_run"), WAITING)
    # Without the permission to see runs, one comes back to the list.
    answer = some.post(page_of(asks, "approve"), {"step": "the ok"}, follow=True)
    assert answer.redirect_chain[-1][0] == WAITING
    assert "The step is approved." in answer.content.decode()
    assert some.post(page_of(own, "approve"), {"step": "approval"}).status_code == 403
    assert page_of(asks) not in some.get(WAITING).content.decode()


def test_a_step_of_its_own_permission_needs_that_alone(
    staff: Callable[..., Client], django_user_model: type[User]
) -> None:
    run = start("made/own")
    kind = ContentType.objects.get_for_model(django_user_model)
    permission = Permission.objects.create(codename="publish", content_type=kind, name="Publish")
    client = staff()
    user = django_user_model.objects.get(username="staff-")

    assert client.get(page_of(run, "approve", step="approval")).status_code == 403
    user.user_permissions.add(permission)

    assert "Mine?" in text(client, WAITING)
    assert client.get(page_of(run, "approve", step="approval")).status_code == 200
    assert client.post(page_of(run, "approve"), {"step": "approval"}).status_code == 302
    assert str(run.state) == "SUCCEEDED"


@pytest.mark.parametrize("given", [{}, {"step": "none"}, {"step": "last"}])
def test_a_step_that_is_none_is_refused_in_words(boss: Client, given: dict[str, Any]) -> None:
    run = start("made/asks")
    before = Run.objects.values().get()

    answer = boss.post(page_of(run, "approve"), given, follow=True)

    assert answer.status_code == 200
    assert 'class="error"' in answer.content.decode()
    assert Run.objects.values().get() == before
    nobody = reverse("admin:offload_run_approve", args=["gone"])
    assert boss.get(nobody).status_code == 404

"""The pages of runs in a browser: their pictures, their buttons, and no faults in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from celery import chain, group
from django.urls import reverse
from playwright.sync_api import expect

from offload.workflows import (
    RunHandle,
    StepState,
    approval,
    definitions,
    media_type,
    result,
    start,
    step,
    workflow,
)
from tests.acceptance.browser.pages import TOPICS

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(cluster: None, monkeypatch: pytest.MonkeyPatch) -> RunHandle:
    """Return a run of a workflow with something of everything."""
    monkeypatch.setattr(definitions, "WORKFLOW_MODULES", ())
    monkeypatch.setattr(definitions, "defined", {})
    workflow("dam/whole", inputs=["original"])(whole)
    workflow("dam/asks")(lambda: approval("May it be published?") | step(TOPICS[0]))
    workflow("dam/torn")(lambda: step(TOPICS[0], inputs=["nothing"]))
    files = {"original": b"GIF89a\x01\x00\x01\x00"}
    return start("dam/whole", {"width": 7}, files=files, by="ada", reason="it is new")


def whole(*, width: int = 5) -> Any:
    """Make renditions, then list them."""
    made = group(
        step(TOPICS[0], called="web", outputs=["web.jpeg"], inputs=["original"], width=width),
        step(TOPICS[1], called="poster", inputs=["original"], when=media_type("video/*")),
        step(TOPICS[2], called="pages", on_error="go_on"),
    )
    each = step("dam/page", called="each page", for_each=result("pages", "pages"))
    return chain(made, step("dam/manifest", called="manifest", inputs=["web.jpeg"])) | each


def page_of(run: RunHandle, action: str = "change") -> str:
    """Return the address of a run's page, or of an action on it."""
    return reverse(f"admin:offload_run_{action}", args=[run.id])


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.long), "dark"])
def test_pages_of_runs_have_no_faults_that_axe_finds(
    context: Callable[..., BrowserContext], run: RunHandle, scheme: str
) -> None:
    page = context(color_scheme=scheme).new_page()
    defined = reverse("admin:offload_run_workflows")
    asks = start("dam/asks")
    waiting = reverse("admin:offload_run_waiting")
    pages = [page_of(run), page_of(run, "stop"), page_of(run, "copy"), defined, page_of(asks)]
    pages += [waiting, f"{page_of(asks, 'approve')}?step=approval"]

    for address in pages:
        page.goto(address)
        for summary in page.locator("#content details summary").all():
            summary.click()
        found = Axe().run(page, context="#content").response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], address


def test_a_run_is_paused_skipped_resumed_and_stopped_by_its_buttons(
    page: Page, run: RunHandle
) -> None:
    page.goto(page_of(run))
    expect(page.locator(".ob-graph .ob-box")).to_have_count(5)
    expect(page.locator("#ob-steps")).to_contain_text("waits for web")

    page.click("#pause")
    expect(page.locator("#effects")).to_contain_text("No step changes at once.")
    page.fill("input[name=note]", "lunch")
    page.click("#confirm")
    expect(page.locator("#ob-live")).to_contain_text("paused")

    page.get_by_role("link", name="Skip manifest").click()
    expect(page.locator("#effects")).to_contain_text("manifest: WAITING → SKIPPED")
    page.click("#confirm")
    expect(page.locator("#ob-steps")).to_contain_text("by admin")

    page.click("#resume")
    page.click("#confirm")
    page.click("#stop")
    page.click("#confirm")
    expect(page.locator(".ob-head .ob-badge").first).to_contain_text("stopped")
    assert run.plan["web"].state is StepState.STOPPED

    page.click("#restart")
    expect(page.locator("#effects")).to_contain_text("web: STOPPED → RUNNING")
    page.click("#confirm")
    expect(page.locator("#former")).to_have_text(run.id)
    expect(page.locator("#ob-live")).to_contain_text("running")


def test_a_step_is_approved_from_the_list_of_what_waits(page: Page, run: RunHandle) -> None:
    asks = start("dam/asks")
    page.goto(reverse("admin:offload_run_changelist"))
    page.click("a#waiting")
    expect(page.locator("#waiting tbody tr")).to_have_count(1)
    page.click("a.approve")
    expect(page.locator("#effects")).to_contain_text("approval: WAITING → SUCCEEDED")
    page.fill("input[name=note]", "nice")
    page.click("#confirm")

    expect(page.locator(".messagelist")).to_contain_text("The step is approved.")
    expect(page.locator("#ob-steps")).to_contain_text("approved by admin: nice")
    assert asks.plan["approval"].state is StepState.SUCCEEDED
    page.goto(reverse("admin:offload_run_waiting"))
    expect(page.locator("#content-main")).to_contain_text("Nothing waits for you.")

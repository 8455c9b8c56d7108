"""Everything can be done by keyboard, and without JavaScript."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from django.contrib.admin.utils import quote
from django.core.management import call_command
from django.urls import reverse
from playwright.sync_api import expect

from offload.browser.cluster import matrix
from offload.models import Rule, Switch
from offload.operations.changes.actors import at_terminal
from tests.acceptance.browser.pages import INSTANCES, JOBS, MATRIX, TOPICS, submit, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.django_db(transaction=True)


def test_without_javascript_everything_can_be_done(
    context: Callable[..., BrowserContext],
) -> None:
    page = context(java_script_enabled=False).new_page()
    job = submit()

    page.goto(MATRIX)
    page.locator(f"button[name=deny][value='web@site {TOPICS[3]}']").click()
    expect(page.locator(".messagelist")).to_contain_text(f"Denied {TOPICS[3]} on web@site.")
    page.locator(f"button[name=clear][value='web@site {TOPICS[3]}']").click()
    expect(page.locator(".messagelist")).to_contain_text("Cleared the rule")
    assert not Rule.objects.filter(target="web@site").exists()

    page.get_by_role("link", name="Instances", exact=True).first.click()
    page.goto(INSTANCES)
    page.get_by_role("button", name="switch off web@site").click()
    expect(page.locator(".messagelist")).to_contain_text("Switched web@site off.")
    assert Switch.objects.filter(pk="web@site").exists()

    page.goto(JOBS)
    page.get_by_role("link", name=job[-8:]).click()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".messagelist")).to_contain_text("The job is STOPPED.")
    expect(page.locator(".ob-state")).to_contain_text("stopped")


def test_changes_by_buttons_and_from_terminals_stand_on_one_page(page: Page) -> None:
    page.goto(MATRIX)
    page.locator(f"button[name=deny][value='web@site {TOPICS[3]}']").click()
    expect(page.locator("#ob-status")).to_contain_text(f"Denied {TOPICS[3]} on web@site.")
    call_command("offload", "off", "thumbs@site", note="disk", stdout=StringIO())

    page.get_by_role("link", name="Changes", exact=True).first.click()
    rows = page.locator("#result_list tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("Switched thumbs@site off: disk.")
    expect(rows.nth(0)).to_contain_text(at_terminal().name)
    expect(rows.nth(1)).to_contain_text(f"Denied {TOPICS[3]} on web@site.")
    expect(rows.nth(1)).to_contain_text("admin")

    page.goto(reverse("admin:offload_instance_change", args=[quote("thumbs@site")]))
    page.get_by_role("link", name="History").click()
    expect(page.locator("#change-history")).to_contain_text("Switched thumbs@site off: disk.")


def test_a_cell_among_many_is_opened_and_changed_by_keyboard(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix, "BUTTON_CELLS_MAX", 0)
    page.goto(MATRIX)
    cell = page.locator(f"button[name=cell][value='web@site {TOPICS[-1]}']")

    cell.press("Enter")
    chosen = page.locator("#ob-chosen")
    expect(chosen).to_contain_text(f"{TOPICS[-1]} on web@site")
    expect(cell).to_be_focused()

    submit()
    waiting(page, 1)
    expect(chosen).to_be_visible()
    expect(cell).to_be_focused()

    chosen.locator("button[name=deny]").press("Enter")
    expect(page.get_by_role("status")).to_contain_text(f"Denied {TOPICS[-1]} on web@site.")
    expect(chosen).to_contain_text(f"denies {TOPICS[-1]} on web@site")
    found = Axe().run(page, context="#content").response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_a_button_works_as_soon_as_a_refresh_has_drawn_it(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix, "BUTTON_CELLS_MAX", 0)
    page.goto(MATRIX)
    page.locator(f"button[name=cell][value='web@site {TOPICS[-1]}']").press("Enter")
    expect(page.locator("#ob-chosen")).to_be_visible()

    press = "document.querySelector('#ob-chosen button[name=deny]').click()"
    page.evaluate(
        "document.addEventListener("
        f"'htmx:afterSwap', () => setTimeout(() => {press}), {{once: true}})"
    )
    submit()

    # The page itself stays: only the status region tells of it.
    expect(page.get_by_role("status")).to_contain_text(f"Denied {TOPICS[-1]} on web@site.")

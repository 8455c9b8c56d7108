"""Pages that refresh themselves leave the user where they were, and say when they cannot."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from playwright.sync_api import expect

from offload.fleet import membership
from offload.models import Instance, Job, Rule
from tests.acceptance.browser.pages import MATRIX, NAMES, TOPICS, submit, waiting
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.django_db(transaction=True)


def where(page: Page) -> dict[str, Any]:
    """Return where the user is: focus, and both scroll positions."""
    found: dict[str, Any] = page.evaluate(
        "() => ({focus: document.activeElement.id, down: window.scrollY,"
        " right: document.querySelector('.ob-scroll').scrollLeft})"
    )
    return found


def go_deep(page: Page, verb: str = "deny") -> dict[str, Any]:
    """Scroll down and to the right, and put the focus on a button there."""
    page.goto(MATRIX)
    button = page.locator(f"button[name={verb}][value='web@site {TOPICS[-1]}']")
    button.focus()
    page.evaluate("document.querySelector('.ob-scroll').scrollLeft = 60")
    before = where(page)
    assert before["focus"].startswith(verb)
    assert before["down"] > 0
    assert before["right"] > 0
    return before


def test_focus_and_scroll_survive_every_refresh(page: Page) -> None:
    before = go_deep(page)

    for count in range(1, 4):
        submit()
        waiting(page, count)
        assert where(page) == before


def test_a_button_by_keyboard_changes_the_rules_and_leaves_the_user_where_they_were(
    page: Page,
) -> None:
    before = go_deep(page)

    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text(f"Denied {TOPICS[-1]} on web@site.")

    assert where(page) == before
    assert Rule.objects.filter(verb="deny", target="web@site", pattern=TOPICS[-1]).exists()
    pressed = page.locator(f"[id='{before['focus']}']")
    expect(pressed).to_have_attribute("aria-pressed", "true")
    assert page.url.endswith(MATRIX)


def test_an_unchanged_page_is_not_touched(page: Page) -> None:
    # No instance falls silent while a slow browser starts.
    Instance.objects.update(beat_at=datetime.now(UTC) + timedelta(hours=1))
    page.goto(MATRIX)
    page.evaluate("document.querySelector('#ob-live').dataset.mark = 'same'")

    for _ in range(2):
        with page.expect_response("**/instance/matrix/**", timeout=30_000) as asked:
            pass
        assert asked.value.status == 204

    assert page.locator("#ob-live").get_attribute("data-mark") == "same"


def test_a_paused_page_asks_for_nothing_until_it_goes_live(page: Page) -> None:
    page.goto(MATRIX)
    page.get_by_role("link", name="Pause").click()
    assert page.locator("#ob-poll").count() == 0

    submit()
    page.get_by_role("link", name="Refresh").click()
    waiting(page, 1)
    assert page.locator("#ob-poll").count() == 0

    page.get_by_role("link", name="Go live").click()
    submit()
    waiting(page, 2)


def test_a_page_that_is_not_answered_says_so(page: Page) -> None:
    page.goto(MATRIX)
    notice = page.locator("#ob-stale")
    expect(notice).to_be_hidden()

    page.route("**/instance/matrix/**", lambda route: route.abort())
    expect(notice).to_be_visible(timeout=30_000)

    page.unroute("**/instance/matrix/**")
    expect(notice).to_be_hidden(timeout=30_000)


@pytest.mark.parametrize(("debug", "status"), [(False, 503), (True, 500)])
def test_a_poll_that_is_answered_by_an_error_says_so_and_asks_again(
    page: Page, settings: Any, debug: bool, status: int
) -> None:
    settings.DEBUG = debug
    page.goto(MATRIX)
    notice = page.locator("#ob-stale")
    expect(notice).to_be_hidden()

    error = "<html><body><h1>The error itself</h1></body></html>"
    page.route("**/instance/matrix/**", lambda route: route.fulfill(status=status, body=error))
    expect(notice).to_be_visible(timeout=30_000)
    with page.expect_response("**/instance/matrix/**", timeout=30_000):
        pass
    expect(page.locator("h1").last).to_have_text("Offloading Browser")
    expect(notice).to_be_visible()

    page.unroute("**/instance/matrix/**")
    expect(notice).to_be_hidden(timeout=30_000)


def test_an_instance_that_died_stands_out_in_the_summary(page: Page) -> None:
    row = Instance.objects.get(pk=NAMES[0])
    membership.leave(row.pk, row.incarnation, reason="its worker died", crash=True)
    page.goto(MATRIX)
    died = page.locator(".ob-summary li.ob-bad")
    expect(died).to_contain_text(f"1 instance died in the last day: {NAMES[0]}")

    colour = "one => getComputedStyle(one).color"
    assert died.evaluate(colour) != page.locator(".ob-summary li").first.evaluate(colour)


def test_a_session_that_ends_leads_to_the_login_page(page: Page) -> None:
    page.goto(MATRIX)
    Session.objects.all().delete()

    page.wait_for_url("**/admin/login/**", timeout=30_000)


def test_times_are_the_viewers_and_age(context: Callable[..., BrowserContext]) -> None:
    page = context(timezone_id="Asia/Kolkata").new_page()
    job = submit()
    Job.objects.filter(pk=job).update(created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))

    page.goto(reverse("admin:offload_job_change", args=[job]))

    shown = page.locator("time").first
    expect(shown).to_have_attribute("title", re.compile("8:34:05"))
    expect(shown).to_have_text(re.compile(r"\d+ d ago"))


def test_a_job_is_followed_to_its_end(page: Page) -> None:
    job = submit()
    page.goto(reverse("admin:offload_job_change", args=[job]))
    expect(page.locator(".ob-state")).to_contain_text("pending")

    page.get_by_role("button", name="Stop").click()

    expect(page.locator(".ob-state")).to_contain_text("stopped")
    eventually(lambda: Job.objects.get(pk=job).state == "STOPPED", what="the job's state")

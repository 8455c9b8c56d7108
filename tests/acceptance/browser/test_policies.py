"""Nothing tries what a strict content policy forbids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from tests.acceptance.browser.pages import JOBS, MATRIX, TOPICS, addresses, stock_addresses, submit
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)


def ask(page: Page, at: str, action: str) -> None:
    """Go to the page that asks before an action on the first row of a list."""
    page.goto(at)
    page.locator("input.action-select").first.check()
    page.locator("select[name=action]").first.select_option(action)
    page.locator("button[name=index]").first.click()
    expect(page.get_by_role("button", name="Yes")).to_be_visible()


def watched(page: Page) -> list[str]:
    """Return a list to which everything is added that a page complains of."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.expose_function("noted", lambda text: said.append(text))
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation',"
        " (event) => window.noted(`${event.violatedDirective} ${event.sourceFile}`))"
    )
    return said


def test_the_admins_own_pages_try_nothing_that_a_strict_policy_forbids(
    context: Callable[..., BrowserContext],
) -> None:
    page = context().new_page()
    said = watched(page)

    for address in stock_addresses():
        answer = page.goto(address)
        assert answer is not None
        assert "default-src 'self'" in answer.headers["content-security-policy"], address
        page.keyboard.press("Tab")
    ask(page, reverse("admin:offload_rule_changelist"), "delete_selected")
    ask(page, JOBS, "force")
    ask(page, JOBS, "remove")
    assert [text for text in said if "404" not in text] == []

    # A violation would be seen.
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')")
    eventually(lambda: any("style" in text for text in said), what="a violation")


def test_a_refusal_tries_nothing_that_a_strict_policy_forbids(
    context: Callable[..., BrowserContext], live_server: LiveServer
) -> None:
    window = context()
    client = Client()
    client.force_login(User.objects.create(username="clerk", is_staff=True))
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    window.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
    )
    page = window.new_page()
    said = watched(page)

    page.goto(JOBS)

    expect(page.get_by_text("offload.view_job")).to_be_visible()
    assert [text for text in said if "404" not in text and "403" not in text] == []


def test_nothing_that_a_strict_policy_forbids_is_tried(
    context: Callable[..., BrowserContext],
) -> None:
    page = context().new_page()
    said = watched(page)

    for address in addresses():
        page.goto(address)
        submit(TOPICS[2])
        with page.expect_response("**?v=*", timeout=30_000):
            pass
    page.goto(MATRIX)
    page.locator("button[name=deny]").first.click()
    expect(page.get_by_role("status")).to_contain_text("Denied")

    # Chromium asks for an icon that the site does not have.
    assert [text for text in said if "404" not in text] == []

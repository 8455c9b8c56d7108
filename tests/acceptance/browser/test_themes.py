"""The pages in an admin with another theme: Unfold, and Jazzmin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from django.conf import settings
from playwright.sync_api import expect

from tests.acceptance.browser.pages import MATRIX, RULES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext

#: Themes by the app that stands before the admin's own: both in the long tests.
THEMES = ["unfold", pytest.param("jazzmin", marks=pytest.mark.long)]
#: Our own parts of the pages. Unfold has no landmark for the content of a page.
OURS = {"include": [["#content-main"], [".ob-nav"], [".breadcrumbs"], ["h1"], ["h3"]]}
RULES_OF_AXE = {"rules": {"region": {"enabled": False}}}
#: What is wider than a page, or cut off in its content; Unfold's simplebar scrolls by itself.
WIDE = """() => [document.documentElement, ...document.querySelectorAll('#content-main *')]
    .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 1)
    .filter((one) => !one.matches("input, [class^='simplebar-']"))
    .filter((one) => one.localName === 'html'
        || ['hidden', 'clip'].includes(getComputedStyle(one).overflowX))
    .map((one) => one.outerHTML.slice(0, 200))"""


@pytest.fixture(params=THEMES, scope="module")
def themed(
    request: pytest.FixtureRequest, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """Return where a site with a theme listens, the cookie of its admin, and its pages."""
    variables = {
        "DJANGO_SETTINGS_MODULE": "tests.acceptance.browser.themed_settings",
        "ACCEPTANCE_THEME": request.param,
        "OFFLOAD_VAR": str(tmp_path_factory.mktemp(request.param)),
        "OFFLOAD_DATABASE": "",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.acceptance.browser.themed"],
        cwd=root,
        env={**os.environ, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as site:
        assert site.stdin
        assert site.stdout
        yield json.loads(site.stdout.readline())
        site.stdin.close()


@pytest.fixture
def window(chromium: Browser, themed: dict[str, Any]) -> Iterator[BrowserContext]:
    """Return a window of somebody who may do everything on that site."""
    window = chromium.new_context(base_url=themed["url"], color_scheme="dark")
    cookie, url = themed["cookie"], themed["url"]
    window.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": url}])
    yield window
    window.close()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_pages_are_whole_in_an_admin_with_another_theme(
    window: BrowserContext, themed: dict[str, Any]
) -> None:
    page = window.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))

    for address in themed["pages"]:
        answer = page.goto(address)
        assert answer
        assert answer.status == 200, address
        assert "".join(page.locator("h1, h3").all_inner_texts()).strip(), address
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(WIDE) == [], (address, width)
    page.set_viewport_size({"width": 1280, "height": 800})
    for address in themed["browser"]:
        page.goto(address)
        found = Axe().run(page, context=OURS, options=RULES_OF_AXE).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], address
    # Chromium asks for an icon that the site does not have.
    assert [text for text in said if "404" not in text] == []


@pytest.mark.timeout(300)
def test_what_changes_the_cluster_is_at_hand_under_another_theme(window: BrowserContext) -> None:
    page = window.new_page()

    page.goto(MATRIX)
    page.locator("button[name=deny]").first.click()
    expect(page.locator("#ob-status")).to_contain_text("Denied")
    page.goto(RULES)
    page.locator("a[href*='rule/add/']:visible").first.click()
    page.locator("select[name=verb]").select_option("deny", force=True)
    page.locator("input[name=target]").fill("web@site")
    page.locator("input[name=pattern]").fill("dam/late")
    page.locator("[name=_save]:visible").first.click()

    expect(page.locator("#changelist")).to_contain_text("dam/late")

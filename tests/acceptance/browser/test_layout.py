"""Pages have no faults for those who see little, and fit their window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from tests.acceptance.browser.pages import JOBS, MATRIX, addresses, stock_addresses, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Page

#: WCAG 2.2 AA: 2.5.8.
TARGET = 24

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("scheme", "options"),
    # What is dark has other colours, and nothing else.
    [("light", {}), ("dark", {"runOnly": ["color-contrast"]})],
    ids=["light", "dark"],
)
def test_pages_have_no_faults_that_axe_finds(
    context: Callable[..., BrowserContext], scheme: str, options: dict[str, list[str]]
) -> None:
    page = context(color_scheme=scheme).new_page()

    for address in addresses():
        page.goto(address)
        for summary in page.locator("#content summary").all():
            summary.click()
        found = Axe().run(page, context="#content", options=options).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], address


def test_every_control_is_large_enough_to_be_hit(page: Page) -> None:
    for address in addresses():
        page.goto(address)
        controls = page.locator("#content-main button:visible, .ob-controls a, .ob-nav a").all()
        assert controls
        boxes = [control.bounding_box() for control in controls]
        sizes = [(box["width"], box["height"]) for box in boxes if box]
        assert min(min(size) for size in sizes) >= TARGET, address


def test_pages_fit_a_window_of_1280(context: Callable[..., BrowserContext]) -> None:
    page = context(viewport={"width": 1280, "height": 800}).new_page()
    wide = (
        "[...document.querySelectorAll('html, .ob-scroll, .ob-job, #changelist .results')]"
        ".filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.className || 'html')"
    )

    for address in [*addresses(), JOBS]:
        page.goto(address)
        assert page.evaluate(wide) == [], address


def test_no_page_is_wider_than_a_telephone(context: Callable[..., BrowserContext]) -> None:
    page = context(viewport={"width": 390, "height": 800}).new_page()
    submit(f"dam/{'long-words-' * 8}/{'of-a-topic-' * 8}")

    for address in [*addresses(), *stock_addresses()]:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
        # A form within the form of a list's actions would end that one.
        forms = "[...document.querySelectorAll('select[name=action]')].map((one) => one.form?.id)"
        assert set(page.evaluate(forms)) <= {"changelist-form"}, address


def test_what_scrolls_on_a_telephone_scrolls_by_keyboard_too(
    context: Callable[..., BrowserContext],
) -> None:
    page = context(viewport={"width": 390, "height": 800}).new_page()
    scrolling = """[...document.querySelectorAll('#content *')]
        .filter((one) => one.scrollWidth > one.clientWidth)
        .filter((one) => ['auto', 'scroll'].includes(getComputedStyle(one).overflowX))
        .map((one) => [one.outerHTML.slice(0, 100), one.tabIndex])"""

    found = {}
    for address in addresses():
        page.goto(address)
        found[address] = page.evaluate(scrolling)

    assert any(found.values())
    assert [what for many in found.values() for what, order in many if order < 0] == []


def test_topics_are_broken_between_their_parts_alone(
    context: Callable[..., BrowserContext],
) -> None:
    page = context(viewport={"width": 390, "height": 800}).new_page()
    submit("marketing/step-00-of-many/thumbnail-generation")
    lines = """() => [...document.querySelectorAll('th .ob-parted')].flatMap((topic) =>
        [...topic.childNodes].filter((part) => part.nodeType === Node.TEXT_NODE).map((part) => {
            const range = document.createRange();
            range.selectNodeContents(part);
            return [part.data, [...range.getClientRects()].map((one) => one.top)];
        }))"""

    page.goto(MATRIX)
    found = page.evaluate(lines)

    assert "thumbnail-generation" in {part for part, _tops in found}
    assert [part for part, tops in found if len(set(tops)) > 1] == []
    first = next(tops for part, tops in found if part == "marketing/")
    assert next(tops for part, tops in found if part == "thumbnail-generation") > first


@pytest.mark.parametrize("frame", ["light", "dark"])
@pytest.mark.parametrize("system", ["light", "dark"])
def test_pages_are_as_light_as_their_frame_whatever_the_system_prefers(
    context: Callable[..., BrowserContext], frame: str, system: str
) -> None:
    page = context(color_scheme=system).new_page()
    page.goto(MATRIX)

    page.evaluate("(frame) => { document.documentElement.dataset.theme = frame }", frame)
    shown = "getComputedStyle(document.querySelector('.ob-summary li')).color"

    assert page.evaluate(shown) == {"light": "rgb(28, 39, 51)", "dark": "rgb(232, 236, 240)"}[frame]
    page.evaluate("document.documentElement.removeAttribute('data-theme')")
    # As a theme that is light however the system is.
    page.evaluate("document.documentElement.style.colorScheme = 'light'")
    assert page.evaluate(shown) == "rgb(28, 39, 51)"
    # As one that says it is dark by a class.
    page.evaluate("document.documentElement.style.colorScheme = ''")
    page.evaluate("document.documentElement.className = 'dark'")
    assert page.evaluate(shown) == "rgb(232, 236, 240)"

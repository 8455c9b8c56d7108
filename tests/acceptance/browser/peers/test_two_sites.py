"""Two sites in one browser: rules are asked for at one, and seen, refused or made at the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.admin.utils import quote
from django.test import override_settings
from django.urls import reverse
from playwright.sync_api import expect

from offload.models import Rule
from tests.acceptance.browser.pages import INSTANCES, MATRIX
from tests.acceptance.browser.peers.sites import EverythingInOne, Sites
from tests.databases import SQLITE
from tests.integration.peers.requests.mail import THERE
from tests.integration.world import HERE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

    from tests.integration.peers.requests.mail import Mail

PATTERN = "dam/**"
PAGE = reverse("admin:offload_instance_change", args=[quote(THERE)])

pytestmark = pytest.mark.parametrize("database_alias", [SQLITE], indirect=True)


@pytest.fixture
def sites(chromium: Browser, mail: Mail) -> Iterator[Sites]:
    """Return the two sites, each with a server of its own."""
    router = f"{EverythingInOne.__module__}.{EverythingInOne.__qualname__}"
    with override_settings(DATABASE_ROUTERS=[router], ALLOWED_HOSTS=["*"]):
        found = Sites(mail, chromium)
        yield found
        found.close()


@pytest.fixture
def home(sites: Sites) -> Page:
    """Return a page of the site that asks."""
    return sites.window(sites.mail.link.home, viewport={"width": 1280, "height": 900}).new_page()


@pytest.fixture
def there(sites: Sites) -> Page:
    """Return a page of the site that is asked."""
    return sites.window(sites.mail.link.peer, viewport={"width": 1280, "height": 900}).new_page()


def cell(page: Page, instance: str) -> Locator:
    """Return the cell of the pattern on an instance."""
    value = f"[value='{instance} {PATTERN}']"
    return page.locator(".ob-cell", has=page.locator(f"button[name=deny]{value}"))


def press(page: Page, verb: str) -> None:
    """Press a button of the cell of the other site's instance."""
    cell(page, THERE).locator(f"button[name={verb}]").click()


def test_a_deny_and_an_allow_are_asked_for_at_one_site_and_made_at_the_other(
    sites: Sites, home: Page, there: Page
) -> None:
    home.goto(MATRIX)
    there.goto(MATRIX)
    expect(cell(there, HERE)).to_contain_text("allowed")

    press(home, "deny")
    expect(home.get_by_role("status")).to_contain_text(f"Asked render: deny {PATTERN} on {THERE}")
    expect(cell(home, THERE)).to_contain_text("deny requested, by ada-site")
    expect(cell(there, HERE)).to_contain_text("allowed")

    sites.exchange()
    # Nobody reloads either page.
    expect(cell(home, THERE)).to_contain_text("deny applied and confirmed, by ada-site")
    expect(cell(home, THERE)).to_contain_text("rules of render: ✕ denied")
    expect(cell(there, HERE)).to_contain_text("denied")

    press(home, "allow")
    expect(cell(home, THERE)).to_contain_text("allow requested")
    sites.exchange()
    expect(cell(home, THERE)).to_contain_text("rules of render: ★ exclusive")
    expect(cell(there, HERE)).to_contain_text("exclusive")


def test_a_site_that_lets_nobody_rule_refuses_and_both_say_so(
    sites: Sites, home: Page, there: Page
) -> None:
    sites.mail.may_rule = False
    home.goto(MATRIX)
    press(home, "deny")
    sites.exchange()

    expect(cell(home, THERE)).to_contain_text("deny refused, by ada-site")
    home.goto(INSTANCES)
    expect(home.locator("table", has_text="Requests to render")).to_contain_text("MAY_RULE")
    there.goto(MATRIX)
    expect(cell(there, HERE)).to_contain_text("allowed")
    with sites.at(sites.mail.link.peer):
        assert not Rule.objects.exists()


def test_a_request_is_withdrawn_from_the_page_of_the_instance(sites: Sites, home: Page) -> None:
    home.goto(MATRIX)
    home.get_by_role("link", name=THERE).first.click()
    expect(home).to_have_url(f"{home.url.partition('/admin')[0]}{PAGE}")
    home.get_by_role("button", name="ask to switch off").click()
    requests = home.locator("#ob-requests")
    expect(requests).to_contain_text("requested")

    requests.get_by_role("button", name="withdraw").click()

    expect(requests).to_contain_text("withdrawn")
    sites.exchange()
    with sites.at(sites.mail.link.peer):
        assert not Rule.objects.exists()
    expect(requests).to_contain_text("withdrawn")
    expect(requests.get_by_role("button")).to_have_count(0)

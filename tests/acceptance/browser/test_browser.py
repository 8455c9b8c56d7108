"""The Offloading Browser in a real browser: live, by keyboard, and without JavaScript."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from offload.fleet.snapshots import now
from offload.models import Instance, Job
from tests.acceptance.browser.pages import submit
from tests.arranging import arrange

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_jobs_page_says_without_a_reload_that_its_instance_is_silent(page: Page) -> None:
    job = submit()
    bound = {"state": "QUEUED", "instance": "thumbs@site", "epoch": 1, "token": "t"}
    arrange(Job.objects.filter(pk=job), bound_at=now(), **bound)
    # However slowly the page is loaded, nobody is silent yet.
    Instance.objects.update(beat_at=now() + timedelta(hours=1))
    page.goto(reverse("admin:offload_job_change", args=[job]))
    page.evaluate("window.isLoadedOnce = true")
    explained = page.locator("section", has=page.locator("#explain"))
    expect(explained).to_contain_text("It is bound to thumbs@site")
    # The first poll draws the page anew in any case.
    expect(page.locator("#ob-version")).not_to_have_value("-", timeout=30_000)
    expect(explained).not_to_contain_text("sign of life")

    Instance.objects.filter(pk="thumbs@site").update(beat_at=now() - timedelta(seconds=20))

    expect(explained).to_contain_text("thumbs@site has given no sign of life", timeout=30_000)
    expect(page.locator("#ob-next")).to_contain_text("Look at the host of thumbs@site")
    assert page.evaluate("window.isLoadedOnce")

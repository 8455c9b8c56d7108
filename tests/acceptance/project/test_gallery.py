"""The gallery in a real browser: files are dropped on it, and renditions appear by themselves."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from django.urls import reverse
from playwright.sync_api import expect

from offload.models import Launcher
from offload.testing import run_jobs
from project.dam.workflow import UPDATE_ASSET
from tests.acceptance.browser.pages import chromium, cluster, context, page

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

__all__ = ["chromium", "cluster", "context", "page"]
pytestmark = pytest.mark.django_db(transaction=True)

DROP = """([content, name]) => {
  const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
  const event = new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.getElementById("drop").dispatchEvent(event);
}"""


def test_files_are_dropped_and_renditions_appear(page: Page, root: Path) -> None:
    Launcher.objects.create(name="assets", pattern="assets/**", workflow=UPDATE_ASSET)
    photo = (root / "project" / "photos" / "coffee-sideways.jpg").read_bytes()
    page.goto(reverse("gallery"))

    page.evaluate(DROP, [base64.b64encode(photo).decode(), "coffee.jpg"])

    expect(page.get_by_text("On its way: coffee.jpg")).to_be_visible()
    original = page.get_by_alt_text("coffee.jpg, the original")
    expect(original).to_be_visible()
    page.evaluate("window.isLoadedOnce = true")
    run_jobs()
    expect(page.get_by_alt_text("coffee.jpg, rendition thumbnail.140.png")).to_be_visible()
    assert page.evaluate("window.isLoadedOnce")
    assert Axe().run(page).violations_count == 0

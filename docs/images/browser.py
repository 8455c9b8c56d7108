"""Makes docs/images/browser.png from two running sites: ``python docs/images/browser.py``.

It starts both sites of the sample in a folder of their own, gives them photographs, and looks at
the author's page in chromium, or what TEST_CHROMIUM names, while they are on their way.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from project.running import Sites

HERE = Path(__file__).resolve().parent
IMAGE = HERE / "browser.png"
CHROMIUM = os.environ.get("TEST_CHROMIUM", "/usr/bin/chromium")
SIZE = {"width": 1360, "height": 1030}
#: How often each photograph is put in, so that some still wait when the page is there.
TIMES = 12
#: Milliseconds until something must run at the other site.
RUNS_MILLISECONDS = 120_000


def main() -> None:
    """Run the sites, and take the picture."""
    import django

    sys.path.insert(0, str(HERE.parents[1]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    # Playwright's loop runs in this thread, where Django forbids its blocking calls.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["OFFLOAD_VAR"] = folder
        django.setup()
        run()


def run() -> None:
    """Start the sites and put photographs in; photograph the page while they are made."""
    from project.dam.management.commands.demo import submitted
    from project.demo.assets import PHOTOS, assets_in
    from project.fleet import ending_in_order
    from project.running import await_ready, running

    with ending_in_order() as stop, running({}, stop, afresh=True) as sites:
        await_ready(sites)
        for _ in range(TIMES):
            list(submitted(sites, assets_in(PHOTOS)))
        look(sites)


def look(sites: Sites) -> None:
    """Sign in at the author's site, and take the picture once the other one has work."""
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client
    from playwright.sync_api import sync_playwright

    from project.sites import AUTHOR

    client = Client()
    client.force_login(get_user_model().objects.create_superuser("ada"))
    name, url = settings.SESSION_COOKIE_NAME, sites.urls[AUTHOR]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        window = browser.new_context(base_url=url, viewport=SIZE)
        window.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])
        window.add_init_script("localStorage.setItem('django.admin.navSidebarIsOpen', 'false')")
        page = window.new_page()
        page.goto("/admin/offload/")
        runs = page.locator(".ob-cell", has_text="run").filter(has_text="rules of render")
        runs.filter(has_text=" run ").first.wait_for(timeout=RUNS_MILLISECONDS)
        page.screenshot(path=IMAGE)
        browser.close()


if __name__ == "__main__":
    main()

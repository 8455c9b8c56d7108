"""A real browser, and the pages of a cluster in it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect, sync_playwright

from offload.core.placement.topology import Mode, RuleVerb
from offload.dispatch.submission import new_id
from offload.fleet import membership, snapshots
from offload.fleet.snapshots import snapshot
from offload.models import Instance, Job, Launcher, Queue, Run
from offload.operations.changes.actors import at_terminal
from offload.operations.changes.rules import WriteRules
from offload.rules import editing, enforcement, switching
from offload.tracking import terminations
from offload.tracking.drafts import Draft, insert
from tests.arranging import arrange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Page
    from pytest_django.live_server_helper import LiveServer

CHROMIUM = os.environ.get("TEST_CHROMIUM", "/usr/bin/chromium")
ABSENT = f"There is no browser at {CHROMIUM}: install chromium, or name one by TEST_CHROMIUM."
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
NAMES = ("author@site", "thumbs@site", "web@site")
TOPICS = [f"dam/step-{number:02d}" for number in range(14)]
MATRIX = reverse("admin:app_list", args=["offload"])
INSTANCES = reverse("admin:offload_instance_changelist")
JOBS = reverse("admin:offload_job_changelist")
RULES = reverse("admin:offload_rule_changelist")
STOCK = ("change", "delete", "history")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Return a browser; skip where there is none, fail where that is CI."""
    if shutil.which(CHROMIUM) is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(ABSENT)
    # Playwright's loop runs in this thread, where Django then forbids its blocking calls.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    # Five seconds, as it is by itself, are few on a busy machine.
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def cluster(transactional_db: None) -> Iterator[None]:
    """Provide a cluster, and no picture of another test's."""
    snapshots.forget()
    make_cluster()
    yield
    snapshots.forget()


def make_cluster() -> None:
    """Let three instances join that consume many topics, by a few rules."""
    consumers = [{"pattern": topic, "task": "dam.step"} for topic in TOPICS]
    for name in NAMES:
        join(name, consumers)
    editing.deny("author@site", "dam/*")
    editing.exclusive("thumbs@site", [TOPICS[0]])
    for name in NAMES[:2]:
        row = Instance.objects.get(pk=name)
        enforcement.announce(name, row.incarnation, snapshot(fresh=True))


@pytest.fixture
def context(chromium: Browser, live_server: LiveServer, cluster: None) -> Iterator[Any]:
    """Return a maker of browser windows of somebody who may do everything."""
    made: list[BrowserContext] = []

    def make(**fields: Any) -> BrowserContext:
        client = Client()
        client.force_login(
            User.objects.get_or_create(username="admin", is_staff=True, is_superuser=True)[0]
        )
        window = chromium.new_context(base_url=live_server.url, **fields)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        window.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
        )
        made.append(window)
        return window

    yield make
    for window in made:
        window.close()


@pytest.fixture
def page(context: Callable[..., BrowserContext]) -> Page:
    """Return a small window, so that there is something to scroll."""
    return context(viewport={"width": 900, "height": 500}).new_page()


def join(name: str, consumers: list[dict[str, str]]) -> None:
    """Let an instance join and be ready."""
    announcement = membership.Announcement(
        name=name,
        pid=os.getpid(),
        consumers=consumers,
        concurrency=2,
        can_kill=True,
        can_limit=True,
    )
    incarnation = membership.join(announcement)
    assert incarnation is not None
    membership.set_mode(name, incarnation, Mode.READY)


def submit(topic: str = TOPICS[0], **facts: Any) -> str:
    """Store a job that nobody is offered."""
    draft = Draft(id=new_id(), topic=topic, **facts)
    insert([draft])
    return draft.id


def waiting(page: Page, count: int) -> None:
    """Wait until the page shows so many waiting jobs."""
    expect(page.locator(".ob-summary")).to_contain_text(f"{count} jobs wait", timeout=30_000)


def addresses() -> list[str]:
    """Return the pages of the browser, with something of everything on them."""
    run = Run.objects.create(id="run", workflow="dam/update")
    tail = {"link": [{"task": "offload.step", "options": {"offload_topic": "dam/after"}}]}
    job = submit(run_id=run.pk, tail=tail, properties={"width": 48})
    submit(TOPICS[1], run_id=run.pk)
    submit("gpu/nobody")
    Job.objects.filter(pk=job).update(
        error="It broke.", error_type="ValueError", progress={"current": 1, "total": 3}
    )
    switching.switch("web@site", off=True)
    failed = submit(TOPICS[2])
    terminations.give_up([failed], state="GIVEN_UP", error_type="builtins.ValueError", error="no")
    return [
        MATRIX,
        f"{MATRIX}?cell=web@site+{TOPICS[1]}",
        INSTANCES,
        reverse("admin:offload_instance_change", args=[quote("web@site")]),
        reverse("admin:offload_job_change", args=[job]),
    ]


def stock_addresses() -> list[str]:
    """Return the pages that are the admin's own, with rows on them, and those that ask."""
    pattern = f"dam/{'long-words-' * 8}/{'of-a-topic-' * 8}"
    deny = WriteRules(verb=RuleVerb.DENY, target="web@site", patterns=(pattern,), note="n " * 100)
    [rule] = deny.apply(at_terminal()).written
    queue = Queue.objects.create(name="render", topics=[rule.pattern, "dam/**"])
    runs = Job.objects.get(pk=submit(TOPICS[3]))
    arrange(Job.objects.filter(pk=runs.pk), state="ACTIVE", instance="web@site", epoch=1)
    lists = ["job", "rule", "switch", "queue", "attempt", "run", "payloadfile", "instance"]
    lists += ["changerecord", "launcher"]
    pattern = "archive/photographs/**/*.jpeg"
    Launcher.objects.create(name="long-" * 8, pattern=pattern, workflow="dam/update-asset")
    return [
        *(reverse(f"admin:offload_{name}_changelist") for name in lists),
        reverse("admin:offload_rule_add"),
        f"{reverse('admin:offload_queue_add')}?name=default",
        *(reverse(f"admin:offload_rule_{name}", args=[rule.pk]) for name in STOCK),
        *(reverse(f"admin:offload_queue_{name}", args=[queue.pk]) for name in STOCK),
        reverse("admin:offload_instance_history", args=[quote("web@site")]),
        reverse("admin:offload_job_force", args=[quote(runs.pk)]),
        reverse("admin:offload_lease_internals"),
    ]

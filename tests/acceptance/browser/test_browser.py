"""The Offloading Browser in a real browser: live, by keyboard, and without JavaScript."""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect, sync_playwright

from offload.browser.cluster import matrix
from offload.core.placement.topology import Mode
from offload.dispatch.submission import new_id
from offload.fleet import membership, rule_enforcement, rules, snapshots
from offload.fleet.snapshots import snapshot
from offload.models import Instance, Job, Queue, Rule, Run, Switch
from offload.tracking import terminations
from offload.tracking.drafts import Draft, insert
from tests.arranging import arrange
from tests.polling import eventually

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
STOCK = ("change", "delete", "history")
#: WCAG 2.2 AA: 2.5.8.
TARGET = 24

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Return a browser; skip where there is none, fail where that is CI."""
    if shutil.which(CHROMIUM) is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(ABSENT)
    # Playwright's loop runs in this thread, where Django then forbids its blocking calls.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def cluster(transactional_db: None) -> Iterator[None]:
    """Let three instances join that consume many topics, by a few rules."""
    snapshots.forget()
    consumers = [{"pattern": topic, "task": "dam.step"} for topic in TOPICS]
    for name in NAMES:
        join(name, consumers)
    rules.deny("author@site", "dam/*")
    rules.exclusive("thumbs@site", [TOPICS[0]])
    for name in NAMES[:2]:
        row = Instance.objects.get(pk=name)
        rule_enforcement.announce(name, row.incarnation, snapshot(fresh=True))
    yield
    snapshots.forget()


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
        cookie = client.cookies["sessionid"].value
        window.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
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


def waiting(page: Page, count: int) -> None:
    """Wait until the page shows so many waiting jobs."""
    expect(page.locator(".ob-summary")).to_contain_text(f"{count} jobs wait", timeout=15_000)


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
    page.goto(MATRIX)
    page.evaluate("document.querySelector('#ob-live').dataset.mark = 'same'")

    for _ in range(2):
        with page.expect_response("**/instance/matrix/**", timeout=15_000) as asked:
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
    expect(notice).to_be_visible(timeout=15_000)

    page.unroute("**/instance/matrix/**")
    expect(notice).to_be_hidden(timeout=15_000)


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
    expect(notice).to_be_visible(timeout=15_000)
    with page.expect_response("**/instance/matrix/**", timeout=15_000):
        pass
    expect(page.locator("h1").last).to_have_text("Offloading Browser")
    expect(notice).to_be_visible()

    page.unroute("**/instance/matrix/**")
    expect(notice).to_be_hidden(timeout=15_000)


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

    page.wait_for_url("**/admin/login/**", timeout=15_000)


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
    rules.switch("web@site", off=True)
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
    rule = rules.deny("web@site", f"dam/{'long-words-' * 8}/{'of-a-topic-' * 8}", note="n " * 100)
    queue = Queue.objects.create(name="render", topics=[rule.pattern, "dam/**"])
    runs = Job.objects.get(pk=submit(TOPICS[3]))
    arrange(Job.objects.filter(pk=runs.pk), state="ACTIVE", instance="web@site", epoch=1)
    lists = ["job", "rule", "switch", "queue", "attempt", "run", "payloadfile", "instance"]
    return [
        *(reverse(f"admin:offload_{name}_changelist") for name in lists),
        reverse("admin:offload_rule_add"),
        f"{reverse('admin:offload_queue_add')}?name=default",
        *(reverse(f"admin:offload_rule_{name}", args=[rule.pk]) for name in STOCK),
        *(reverse(f"admin:offload_queue_{name}", args=[queue.pk]) for name in STOCK),
        reverse("admin:offload_job_force", args=[quote(runs.pk)]),
        reverse("admin:offload_lease_internals"),
    ]


def ask(page: Page, at: str, action: str) -> None:
    """Go to the page that asks before an action on the first row of a list."""
    page.goto(at)
    page.locator("input.action-select").first.check()
    page.locator("select[name=action]").first.select_option(action)
    page.locator("button[name=index]").first.click()
    expect(page.get_by_role("button", name="Yes")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_have_no_faults_that_axe_finds(
    context: Callable[..., BrowserContext], scheme: str
) -> None:
    page = context(color_scheme=scheme).new_page()

    for address in addresses():
        page.goto(address)
        for summary in page.locator("#content summary").all():
            summary.click()
        found = Axe().run(page, context="#content").response["violations"]
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

    # What would be a violation is seen.
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')")
    eventually(lambda: any("style" in text for text in said), what="a violation")


def test_a_refusal_tries_nothing_that_a_strict_policy_forbids(
    context: Callable[..., BrowserContext], live_server: LiveServer
) -> None:
    window = context()
    client = Client()
    client.force_login(User.objects.create(username="clerk", is_staff=True))
    cookie = client.cookies["sessionid"].value
    window.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
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
        with page.expect_response("**?v=*", timeout=15_000):
            pass
    page.goto(MATRIX)
    page.locator("button[name=deny]").first.click()
    expect(page.get_by_role("status")).to_contain_text("Denied")

    # Chromium asks for an icon that the site does not have.
    assert [text for text in said if "404" not in text] == []

"""Instances of another cluster are columns of the matrix, on every window and in every light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from django.conf import settings
from django.contrib.admin.utils import quote
from django.test import override_settings
from django.urls import reverse
from playwright.sync_api import expect

from offload.browser.cluster import sharing
from offload.core.peers.rule_requests import RequestAction
from offload.models import Peer
from offload.models.change_records import Entrance
from offload.models.fields import DatabaseNow
from offload.models.versions import raise_version
from offload.operations.changes.actors import Actor
from offload.operations.changes.requests import AskPeer
from tests.acceptance.browser.pages import INSTANCES, MATRIX, NAMES, TOPICS
from tests.integration.peers.messages import RENDER, SETTING, SITE, instance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import BrowserContext, Page

#: As long as such names are.
FAR = "gpu-node01@render-farm.eu-central.example.com"
PAGE = reverse("admin:offload_instance_change", args=[quote(f"{RENDER}/{FAR}")])

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lets_rule() -> bool:
    """Return whether that cluster lets this one rule; a request is open then."""
    return False


@pytest.fixture(autouse=True)
def _peer(cluster: None, lets_rule: bool) -> Iterator[None]:
    """Let another cluster be heard: one instance has a nodename of this cluster's too."""
    consumers = [{"pattern": one, "task": "render.still"} for one in ("render/*", TOPICS[0])]
    far = [
        instance(
            name,
            incarnation=f"boot {number}",
            consumers=consumers,
            leader=name == FAR,
            applied={"version": 1, "off": False, "rules": [["deny", "render/draft", None]]},
        )
        for number, name in enumerate((NAMES[2], FAR))
    ]
    with override_settings(OFFLOAD={**settings.OFFLOAD, "CLUSTER": SITE, "PEERS": SETTING}):
        Peer.objects.create(
            name=RENDER,
            own_name=SITE,
            beat=1,
            heard_at=DatabaseNow(),
            key_id="2026",
            protocol=1,
            clock_ahead=0.1,
            lets_rule=lets_rule,
            instances=far,
        )
        if lets_rule:
            ada = Actor(name="ada", entrance=Entrance.TERMINAL)
            AskPeer(instance=f"{RENDER}/{FAR}", action=RequestAction.OFF).apply(ada)
        raise_version()
        sharing.forget()
        yield
    sharing.forget()


@pytest.mark.parametrize("lets_rule", [True])
@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (390, "dark"),
        (1280, "light"),
        pytest.param(390, "light", marks=pytest.mark.long),
        pytest.param(1280, "dark", marks=pytest.mark.long),
    ],
)
def test_the_matrix_with_another_cluster_has_no_faults_and_fits(
    context: Callable[..., BrowserContext], width: int, scheme: str
) -> None:
    page = context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()

    for address in (MATRIX, INSTANCES, PAGE):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        found = Axe().run(page, context="#content").response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], address


def test_equal_nodenames_are_told_apart_by_their_clusters(page: Page) -> None:
    page.goto(MATRIX)

    names = page.locator(".ob-matrix thead .ob-name").all_inner_texts()
    assert names == [*NAMES, f"render/{FAR}", f"render/{NAMES[2]}"]
    held = page.locator("tr", has=page.locator("th", has_text="render/*"))
    expect(held.locator("td").nth(3)).to_contain_text("allowed")
    expect(held.locator("button")).to_have_count(0)
    first = page.locator("tr", has=page.locator("th", has_text=TOPICS[0]))
    expect(first.locator("td").nth(4)).to_contain_text("not sent there")

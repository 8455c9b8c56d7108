"""Pages about a large fleet: bounds on bytes, statements and work."""

from __future__ import annotations

import re
import sys
from copy import copy
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from offload.browser.cluster import sharing
from offload.dispatch.submission import new_id
from offload.fleet.snapshots import snapshot
from offload.models import Instance, Job
from offload.rules import editing
from offload.rules.enforcement import applied
from offload.tracking import terminations
from offload.tracking.drafts import Draft, insert
from tests.arranging import arrange
from tests.integration.world import join, waiting

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from django.test import Client

TOPICS = [f"dam/rendition/large-preview-with-watermark/step-{number:03d}" for number in range(300)]
NAMES = [f"render@gpu-node{number:02d}.eu-central.example.com" for number in range(60)]
MATRIX = reverse("admin:app_list", args=["offload"])
MATRIX_NOW = reverse("admin:offload_instance_matrix")
FLEET = reverse("admin:offload_instance_changelist")
FLEET_NOW = reverse("admin:offload_instance_fleet")
CELL = f"{NAMES[3]} {TOPICS[3]}"
#: Statements that find out who asks.
LOGIN = 2
#: Bytes of a page, and functions called for it: a quarter of a second's work of one processor.
BYTES, CALLS = 300_000, 1_250_000
#: Of a poll that finds nothing new: far less than any page, as it compares one version.
POLL_CALLS = 20_000


@pytest.fixture
def wide(db: None) -> None:
    """Make 60 instances that consume 300 topics each, with rules, jobs and failures."""
    consumers = [{"pattern": topic, "task": "dam.work"} for topic in TOPICS]
    join(NAMES[0], consumers=consumers, labels=["gpu"])
    first = Instance.objects.get()
    others = [copy(first) for _ in NAMES[1:]]
    for number, (row, name) in enumerate(zip(others, NAMES[1:], strict=True), 2):
        row.name, row.joined, row.incarnation = name, number, f"incarnation-{number}"
    Instance.objects.bulk_create(others)
    for number in range(0, 60, 5):
        editing.deny(NAMES[number], TOPICS[number], note="Colours are wrong, see OPS-1234.")
    editing.allow("gpu", "dam/**", scope="label")
    for instance in snapshot(fresh=True).topology.instances:
        said = applied(instance, snapshot().topology.rules, snapshot().version)
        Instance.objects.filter(pk=instance.name).update(applied=said)
    insert([Draft(id=new_id(), topic=topic) for topic in TOPICS for _ in range(3)])
    failed = waiting(200, topic=TOPICS[7])
    terminations.give_up(
        failed, state="GIVEN_UP", error_type="builtins.ValueError", error="no" * 100
    )
    for number, topic in enumerate(TOPICS[:60]):
        place = {"instance": NAMES[number], "incarnation": "i", "epoch": 1}
        arrange(
            Job.objects.filter(topic=topic, state="PENDING"),
            state="ACTIVE",
            started_at=timezone.now(),
            **place,
        )


def calls(act: Callable[[], Any]) -> tuple[Any, int]:
    """Return the result, and how many functions this thread called for it.

    Processor time depends on what else the machine does; this does not.
    """
    called = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal called
        called += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        found = act()
    finally:
        sys.setprofile(before)
    return found, called


def served(client: Client, address: str, look: dict[str, str] | None = None) -> Any:
    """Return a server's response; the test client would copy the context of every cell."""
    cookies = client.cookies.output(header="", sep=";")
    request = RequestFactory().get(address, look, headers={"cookie": cookies})
    answer = WSGIHandler()(request.environ, lambda *_: len)
    answer.close()
    return answer


LOOKS: list[tuple[str, dict[str, str]]] = [
    (MATRIX, {}),
    (MATRIX, {"cell": CELL}),
    (MATRIX, {"p": "4", "i": "3"}),
    (MATRIX, {"problems": "on"}),
    (MATRIX, {"q": "node07"}),
    (FLEET, {}),
    (FLEET, {"problems": "on"}),
]


@pytest.mark.usefixtures("wide")
def test_pages_about_a_large_fleet_have_bounds(
    boss: Client, django_assert_max_num_queries: Any
) -> None:
    # However slow this is, none of them falls silent meanwhile.
    Instance.objects.update(beat_at=timezone.now() + timedelta(days=1))
    for address, look in LOOKS:
        with django_assert_max_num_queries(LOGIN + 5):
            served(boss, address, look)

        answer, called = calls(partial(served, boss, address, look))

        assert answer.status_code == 200
        assert len(answer.content) <= BYTES, (address, look)
        assert called <= CALLS, (address, look)


@pytest.mark.usefixtures("wide")
def test_a_poll_that_finds_nothing_new_asks_nothing_that_was_asked_a_moment_ago(
    boss: Client, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(sharing, "SHARED_SECONDS", 60.0)
    # However slow this is, none of them beats later than it did.
    Instance.objects.update(beat_at=timezone.now() - timedelta(days=1))
    for page, now in ((MATRIX, MATRIX_NOW), (FLEET, FLEET_NOW)):
        sharing.forget()
        known = re.search(rb'name="v" value="([^"]*)"', served(boss, page).content)
        assert known is not None
        asked = {"v": known[1].decode()}
        assert served(boss, now, asked).status_code == 204

        with django_assert_num_queries(LOGIN):
            assert served(boss, now, asked).status_code == 204
        _answer, called = calls(partial(served, boss, now, asked))
        assert called <= POLL_CALLS

        sharing.forget()
        waiting(topic=TOPICS[5])
        assert served(boss, now, asked).status_code == 200


@pytest.mark.usefixtures("wide")
def test_a_cell_among_many_is_shown_in_detail_on_demand_and_changed_there(boss: Client) -> None:
    compact = served(boss, MATRIX).content.decode()
    assert f'name="cell" value="{CELL}"' in compact
    assert 'name="deny"' not in compact

    detail = served(boss, MATRIX_NOW, {"cell": CELL, "v": "another"}).content.decode()
    assert 'id="ob-chosen"' in detail
    assert f'name="deny" value="{CELL}"' in detail

    answer: Any = boss.post(reverse("admin:offload_instance_desired"), {"deny": CELL, "cell": CELL})
    assert answer.url.startswith(f"{MATRIX}?cell=")
    shown = served(boss, answer.url).content.decode()
    assert f"denies {TOPICS[3]} on {NAMES[3]}" in shown
    assert '1</strong> <span aria-hidden="true">≠' in shown

    few = served(boss, MATRIX, {"q": TOPICS[3][-3:]}).content.decode()
    assert "ob-compact" not in few
    assert 'name="q" value="003"' in few

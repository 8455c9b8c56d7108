"""What an instance gives back, although nothing tells it that the rules are others now."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from offload.core.placement.topology import Mode
from offload.fleet import rules, snapshots
from offload.fleet.snapshots import snapshot
from offload.models import Instance, Job, versions
from offload.worker.agent import window as windows
from offload.worker.agent.window import Window
from offload.worker.reports import Report
from tests.integration.world import HERE, THERE, TOPIC, bound, join, place, row, statements

HOUR = timedelta(hours=1)
#: How far an hour's rule ended ago.
LATER = timedelta(hours=2)


@pytest.fixture
def window(app: object) -> Window:
    """Return the window of an instance that runs nothing and is told of nothing."""
    join(HERE)
    join(THERE)
    heartbeat: Any = SimpleNamespace(incarnation=place().incarnation)
    return Window(HERE, heartbeat, can_kill=True)


def look(window: Window) -> None:
    """Let the instance look, and take nothing new."""
    snapshot(fresh=True)
    window.look(Report(mode=Mode.RECONNECTING, concurrency=2))


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what lets the database's clock go on."""

    def go_on(by: timedelta) -> None:
        ahead = snapshots._clock.ahead or timedelta()
        monkeypatch.setattr(snapshots, "_ask", lambda: versions.current_version())
        monkeypatch.setattr(snapshots._clock, "ahead", ahead + by)

    return go_on


def test_an_allow_that_ends_takes_back_what_only_it_allowed(window: Window, wait: Any) -> None:
    rules.allow(HERE, "dam/meta")
    rules.allow(HERE, TOPIC, until=snapshots.now() + HOUR)
    gone, kept = bound()[0], bound(topic="dam/meta")[0]
    look(window)
    assert row(gone.id).state == "QUEUED"

    wait(LATER)
    look(window)

    assert (row(gone.id).state, row(kept.id).state) == ("PENDING", "QUEUED")
    assert [rule[1] for rule in Instance.objects.get(pk=HERE).applied["rules"]] == ["dam/meta"]


def test_what_was_bound_by_an_older_picture_is_taken_back_at_a_later_look(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "FORBIDDEN_LOOK_SECONDS", 0.0)
    older = place()
    rules.deny(HERE, "**")
    look(window)
    late = bound(name=THERE)[0]
    # As a binding leaves it that was decided before the rule and committed after its recall.
    Job.objects.filter(pk=late.id).update(instance=HERE, incarnation=older.incarnation)

    look(window)

    assert row(late.id).state == "PENDING"


def test_an_instance_asks_for_what_is_forbidden_now_and_then_only(window: Window) -> None:
    look(window)

    with statements() as found:
        window._apply()

    assert [sql for sql in found if "QUEUED" in sql] == []


def test_ends_of_rules_are_compared_with_the_clock_of_the_database(
    app: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host whose clock is two hours slow ends the rule with all others."""
    join(HERE)
    before = snapshots.now()

    class Slow(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) - LATER

    monkeypatch.setattr(snapshots, "datetime", Slow)
    snapshot(fresh=True)

    assert timedelta(seconds=-1) < snapshots.now() - before < timedelta(minutes=1)

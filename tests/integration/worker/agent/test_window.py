"""An instance gives back forbidden jobs even if nothing tells it that the rules changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from offload.core.placement.topology import Mode
from offload.core.retries import Cause
from offload.fleet import snapshots
from offload.fleet.snapshots import snapshot
from offload.models import Instance, Job, versions
from offload.rules import editing
from offload.worker.agent.window import FORBIDDEN_POLL_SECONDS, Window
from offload.worker.reports import Report
from tests.clocks import Clock
from tests.integration.world import HERE, THERE, TOPIC, bound, join, place, row, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR = timedelta(hours=1)
#: How far an hour's rule ended ago.
LATER = timedelta(hours=2)


@pytest.fixture
def window(app: object) -> Window:
    """Return the window of an instance that runs nothing and is told of nothing."""
    join(HERE)
    join(THERE)
    heartbeat: Any = SimpleNamespace(incarnation=place().incarnation, trouble=None, is_deaf=False)
    return Window(HERE, heartbeat, can_kill=True)


def look(window: Window) -> None:
    """Let the instance look, and take nothing new."""
    snapshot(fresh=True)
    window.look(Report(mode=Mode.RECONNECTING, concurrency=2))


@pytest.fixture
def wait(window: Window, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function that advances the database's clock."""

    def go_on(by: timedelta) -> None:
        def ask() -> tuple[int, datetime]:
            return versions.current_version(), datetime.now(UTC) + by

        monkeypatch.setattr(snapshots.reader, "ask", ask)
        snapshot(fresh=True)

    yield go_on
    monkeypatch.undo()
    snapshot(fresh=True)


def test_an_allow_that_ends_takes_back_what_only_it_allowed(window: Window, wait: Any) -> None:
    editing.allow(HERE, "dam/meta")
    editing.allow(HERE, TOPIC, until=snapshots.now() + HOUR)
    gone, kept = bound()[0], bound(topic="dam/meta")[0]
    look(window)
    assert row(gone.id).state == "QUEUED"

    wait(LATER)
    look(window)

    assert (row(gone.id).state, row(kept.id).state) == ("PENDING", "QUEUED")
    assert [rule[1] for rule in Instance.objects.get(pk=HERE).applied["rules"]] == ["dam/meta"]


def test_what_was_bound_by_an_older_picture_is_taken_back_at_a_later_look(
    window: Window,
) -> None:
    window.clock = clock = Clock()
    older = place()
    editing.deny(HERE, "**")
    look(window)
    late = bound(name=THERE)[0]
    # As a binding leaves it that was decided before the rule and committed after its recall.
    Job.objects.filter(pk=late.id).update(instance=HERE, incarnation=older.incarnation)

    look(window)
    assert row(late.id).state == "QUEUED"
    clock.go_on(FORBIDDEN_POLL_SECONDS + 0.1)
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


def test_a_window_remembers_ended_runs_only_while_they_are_told(window: Window) -> None:
    told, forgotten = ((job.id, job.epoch) for job in bound(2))
    for key in (told, forgotten):
        window.lose(key, Cause.CRASHED, "signal 9")
    lost = dict.fromkeys((told, forgotten), (Cause.CRASHED.value, "signal 9"))

    window.look(Report(lost={told: lost[told]}))

    assert window.settled(Report(lost=lost)) == [told]

"""Reports of clones: one at a time, however often a run reports its progress, and in order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from offload.core.job_log import JobLog, LogLine
from offload.core.peers.contents import CloneReport
from offload.core.progress import Progress
from offload.fleet import snapshots
from offload.jobs import endings
from offload.models import AttemptLog, Job, News
from offload.peers.travel import hosting
from offload.tracking import finishing, logs
from offload.tracking.peers import clones
from tests.integration.peers.travel.acting import begin, bind, row_at

if TYPE_CHECKING:
    import pytest

    from offload.core.peers.contents import PeerEnvelope
    from offload.jobs.endings import Ending
    from tests.integration.peers.travel.clusters import Link

STEPS = 50
AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def report(link: Link, ending: Ending, step: int) -> list[CloneReport]:
    """Report a step at the peer; return the messages that it sends of it at once."""
    with link.peer.here():
        finishing.report(ending.key, Progress.of(step, STEPS, "frames"))
    return [one for one in link.send(link.peer) if isinstance(one, CloneReport)]


def test_while_a_report_has_no_answer_no_further_one_is_sent(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = begin(link)
    # However slow this is, the one that was sent is not yet due again.
    moment = snapshots.now()
    monkeypatch.setattr(snapshots, "now", lambda: moment)

    sent = [one for step in range(1, STEPS + 1) for one in report(link, ending, step)]

    assert [one.details["progress"]["current"] for one in sent] == [1.0]
    with link.peer.here():
        assert News.objects.count() == 1
    link.carry(link.home)
    link.carry(link.peer)
    link.exchange()
    assert row_at(link.home).progress == {"current": 50.0, "total": 50.0, "message": "frames"}


def test_an_end_is_told_at_once_whatever_progress_waits(link: Link) -> None:
    ending = begin(link)
    report(link, ending, 1)
    report(link, ending, 2)

    with link.peer.here():
        endings.succeed(ending, "done")
    link.exchange()

    row = row_at(link.home)
    assert (row.state, row.result) == ("SUCCEEDED", "done")


def log(link: Link, ending: Ending, count: int, text: str = "frame {}") -> None:
    """Let the clone's run have logged so many lines."""
    lines = tuple(LogLine.of(text.format(number), "INFO", AT) for number in range(count))
    with link.peer.here():
        assert logs.write(ending.key, JobLog(lines=lines, count=count))


def home_log(link: Link) -> list[str]:
    """Return the texts that home has of its job's log."""
    with link.home.here():
        found = logs.latest(row_at(link.home).pk)
    return [] if found is None else [one.text for one in found.lines]


def test_what_a_run_there_logs_is_shown_at_home_while_it_runs(link: Link) -> None:
    ending = begin(link)
    log(link, ending, 2)

    link.exchange()

    assert home_log(link) == ["frame 0", "frame 1"]
    assert row_at(link.home).progress is None
    with link.home.here():
        assert AttemptLog.objects.get().epoch == row_at(link.home).epoch


def test_of_a_long_log_the_last_lines_travel_and_all_are_counted(link: Link) -> None:
    ending = begin(link)
    log(link, ending, 450)
    with link.peer.here():
        endings.succeed(ending, "done")

    link.exchange()

    assert row_at(link.home).state == "SUCCEEDED"
    assert home_log(link)[-1] == "frame 449"
    with link.home.here():
        assert (len(home_log(link)), AttemptLog.objects.get().count) == (100, 450)


def test_a_log_that_does_not_fit_beside_a_large_result_stays_there(link: Link) -> None:
    ending = begin(link)
    log(link, ending, 5, "\U0001f600" * 3000)
    with link.peer.here():
        endings.succeed(ending, "x" * 1_020_000)

    link.exchange()

    assert row_at(link.home).state == "SUCCEEDED"
    assert home_log(link) == []


def test_an_unchanged_log_is_not_sent_again(link: Link) -> None:
    ending = begin(link)
    log(link, ending, 2)
    link.exchange()

    assert [one for one in link.send(link.peer) if isinstance(one, CloneReport)] == []


def test_of_two_agents_that_take_one_envelope_the_later_one_leaves_the_reports_alone(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its numbers would begin anew, and home would take the end for a report that it knows."""
    bind(link)
    [envelope] = link.send(link.home)
    store = clones.store

    def after_the_other_agent(*args: Any, **facts: Any) -> bool:
        monkeypatch.setattr(clones, "store", store)
        hosting.take_envelope("site", cast("PeerEnvelope", envelope), snapshots.now())
        News.objects.update(number=1, reported="started")
        return store(*args, **facts)

    monkeypatch.setattr(clones, "store", after_the_other_agent)
    link.carry(link.peer)

    with link.peer.here():
        [told] = News.objects.all()
        assert (told.number, told.reported, Job.objects.count()) == (1, "started", 1)

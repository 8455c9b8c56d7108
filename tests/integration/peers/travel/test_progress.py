"""Progress of clones costs the link one report at a time, however often a run reports it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.peers.contents import CloneReport
from offload.core.progress import Progress
from offload.jobs import endings
from offload.models import News
from offload.tracking import finishing
from tests.integration.peers.travel.acting import begin, row_at

if TYPE_CHECKING:
    from offload.jobs.endings import Ending
    from tests.integration.peers.travel.clusters import Link

STEPS = 50


def report(link: Link, ending: Ending, step: int) -> list[CloneReport]:
    """Report a step at the peer; return the messages that it sends of it at once."""
    with link.peer.here():
        finishing.report(ending.key, Progress.of(step, STEPS, "frames"))
    return [one for one in link.send(link.peer) if isinstance(one, CloneReport)]


def test_while_a_report_has_no_answer_no_further_one_is_sent(link: Link) -> None:
    ending = begin(link)

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

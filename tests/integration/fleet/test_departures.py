"""What is bound to an instance that does not live moves, by the leader alone."""

from __future__ import annotations

import pytest

from offload.fleet import departures, leadership
from offload.fleet.leadership import NotLeader, Term
from offload.models import Attempt, Job
from tests.integration.world import bound, join, row, running, states


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def test_the_leader_moves_what_is_bound_to_who_does_not_live(term: Term) -> None:
    stranded, queued, fine = running(), bound()[0], running()
    Job.objects.ids([stranded.id, queued.id]).update(incarnation="of yesterday")

    departures.move(term)

    assert states([stranded.id, queued.id, fine.id]) == ["PENDING", "PENDING", "ACTIVE"]
    assert (stranded.row.crashes, row(queued.id).crashes) == (1, 0)
    assert Attempt.objects.get().incarnation == "of yesterday"


def test_who_leads_no_more_moves_nothing(term: Term) -> None:
    stranded = running()
    Job.objects.update(incarnation="of yesterday")
    leadership.resign(term.incarnation)

    with pytest.raises(NotLeader):
        departures.move(term)

    assert stranded.row.state == "ACTIVE"

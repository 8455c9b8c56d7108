"""What is bound to an instance that does not live moves, by the leader alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import override_settings

from offload.core.placement.topology import Mode
from offload.fleet import departures, leadership
from offload.fleet.leadership import NotLeader, Term
from offload.fleet.snapshots import now
from offload.models import Attempt, Instance, Job, Slot
from offload.models.versions import current_version
from offload.rules import switching
from tests.integration.world import HERE, bound, join, row, running, states


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


def test_an_instance_gone_for_long_is_forgotten_unless_something_refers_to_it(
    term: Term,
) -> None:
    names = ("idle@a", "fresh@b", "holds@c", "off@d", "back@e")
    made = {name: join(name) for name in names}
    bound(name="holds@c")
    for name in names:
        Instance.objects.filter(pk=name).update(mode=Mode.GONE)
    old = now() - timedelta(days=2)
    Instance.objects.filter(mode=Mode.GONE).exclude(pk="fresh@b").update(mode_at=old)
    switching.switch("off@d", off=True)
    Instance.objects.filter(pk="back@e").update(mode=Mode.READY)
    before = current_version()

    assert departures.forget(term) == 1

    left = set(Instance.objects.values_list("pk", flat=True))
    assert left == {HERE, "fresh@b", "holds@c", "off@d", "back@e"}
    assert not Slot.objects.filter(pk="idle@a").exists()
    assert current_version() > before
    # One that was forgotten may come back.
    assert join("idle@a") != made["idle@a"]


def test_with_zero_every_instance_is_kept(term: Term) -> None:
    join("idle@a")
    Instance.objects.filter(pk="idle@a").update(mode=Mode.GONE, mode_at=now() - timedelta(days=99))

    with override_settings(OFFLOAD={"FORGET_GONE": 0}):
        assert departures.forget(term) == 0

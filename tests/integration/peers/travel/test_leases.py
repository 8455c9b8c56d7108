"""A clone waits while its home is not heard, and is bound as soon as it is heard again (P8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models.functions import Now

from offload.dispatch import dispatching
from offload.models import Job, Peer
from offload.reading.waiting.explain import explain_job
from tests.integration.peers.travel.acting import bind
from tests.integration.peers.travel.clusters import HOUR
from tests.integration.world import waiting

if TYPE_CHECKING:
    from tests.integration.peers.travel.clusters import Link


def test_a_clone_is_bound_only_while_its_home_is_heard(link: Link) -> None:
    home = Peer.objects.filter(pk=link.home.name)
    with link.peer.here():
        home.update(lease_until=Now() - HOUR)
    bind(link)
    link.send(link.home)
    link.carry(link.peer)

    with link.peer.here():
        assert dispatching.sweep() == 0
        said = explain_job(Job.objects.get()).sentence
        assert said.endswith(
            "It is a clone: site owns it. "
            "It begins only while site is heard, which it was not of late."
        )

        home.update(lease_until=Now() + HOUR)
        assert dispatching.sweep() == 1
        assert explain_job(Job.objects.get()).sentence.endswith("site owns it.")


def test_jobs_of_its_own_do_not_wait_for_that(link: Link) -> None:
    with link.peer.here():
        Peer.objects.filter(pk=link.home.name).update(lease_until=None)
    bind(link)
    link.send(link.home)
    link.carry(link.peer)

    with link.peer.here():
        [own] = waiting()
        assert dispatching.sweep() == 1
        assert Job.objects.get(state="QUEUED").pk == own

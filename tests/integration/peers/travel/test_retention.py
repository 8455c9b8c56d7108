"""Retention at a peer waits for the home's answer: the clone's row is the report."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import F
from django.test import override_settings

from offload.files import retention
from offload.jobs import endings
from offload.models import Job, Queue
from offload.models.versions import raise_version
from tests.integration.peers.travel.acting import begin, row_at

if TYPE_CHECKING:
    from tests.integration.peers.travel.clusters import Link


def _end_long_ago(link: Link) -> None:
    ending = begin(link)
    with link.peer.here():
        Queue.objects.create(name="short", topics=["none"], retention_days=1)
        endings.succeed(ending, {"at": 3})
        old = F("finished_at") - timedelta(days=9)
        Job.objects.update(queue="short", finished_at=old)
        raise_version()


def test_a_clone_is_kept_until_its_home_has_answered_the_report_of_its_end(link: Link) -> None:
    _end_long_ago(link)
    with link.peer.here():
        assert retention.purge() == 0

    link.exchange()

    assert row_at(link.home).result == {"at": 3}
    with link.peer.here():
        assert retention.purge() == 1


def test_a_home_that_is_no_peer_any_more_keeps_nothing(link: Link) -> None:
    _end_long_ago(link)

    with link.peer.here(), override_settings(OFFLOAD={**settings.OFFLOAD, "PEERS": {}}):
        assert retention.purge() == 1

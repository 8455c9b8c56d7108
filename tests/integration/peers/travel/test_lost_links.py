"""Clusters that are no peers any more, and homes that do not answer."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

import offload
from offload.conf import settings as own_settings
from offload.core.exceptions import NotRetriable
from offload.diagnostics import peers
from offload.jobs import endings
from offload.models import Job, Peer
from offload.models.fields import DatabaseNow
from offload.operations import bulk
from offload.peers import silence
from offload.peers.travel import moving
from offload.reading.jobs.page import page
from offload.reading.waiting.explain import explain_job
from tests.clocks import Clock
from tests.integration.peers.travel.acting import begin, bind, row_at
from tests.integration.peers.travel.switching import term
from tests.integration.world import HERE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.peers.travel.clusters import Link

THERE = f"render/{HERE}"


@contextmanager
def removed() -> Iterator[None]:
    """Let the settings name no other cluster for a block."""
    with override_settings(OFFLOAD={**settings.OFFLOAD, "PEERS": {}}):
        yield


def facts() -> list[str]:
    return [one.fact for one in peers.examine()]


class TestRemovedFromTheSettings:
    def test_its_jobs_are_given_back_after_the_timeout(self, link: Link) -> None:
        begin(link)
        clock = Clock()
        with link.home.here(), removed():
            assert silence.has_peers()
            leader, observer = term(), silence.SilenceObserver(clock)
            observer.sweep(leader)
            assert moving.move(leader) == 0
            for _ in range(int(own_settings().timeout)):
                clock.go_on(1.0)
                observer.sweep(leader)
            assert moving.move(leader) == 1
        row = row_at(link.home)
        assert (row.state, row.peer, row.failures, row.crashes) == ("PENDING", None, 0, 0)

    def test_its_late_result_is_stale_should_it_be_named_again(self, link: Link) -> None:
        ending = begin(link)
        with link.home.here():
            Peer.objects.update(silent_since=DatabaseNow())
            with removed():
                assert moving.move(term()) == 1
        with link.peer.here():
            endings.succeed(ending, "late")
        link.exchange()
        assert row_at(link.home).state == "PENDING"

    def test_the_doctor_and_explain_say_so(self, link: Link) -> None:
        bind(link)
        with link.home.here():
            assert not [one for one in facts() if "any more" in one]
            with removed():
                told = "1 job is bound to render, which PEERS does not name any more."
                assert told in facts()
                sentence = explain_job(Job.objects.get()).sentence
                assert (
                    f"It is bound to {THERE}, and PEERS does not name render any more" in sentence
                )

    def test_a_cluster_without_any_peer_ever_has_no_duty_for_it(self, link: Link) -> None:
        with link.home.here(), removed():
            Peer.objects.all().delete()
            assert not silence.has_peers()


class TestUnanswered:
    def test_reports_that_no_home_answers_are_said_with_their_age(self, link: Link) -> None:
        ending = begin(link)
        with link.peer.here():
            endings.succeed(ending, 1)
        link.send(link.peer)
        with link.peer.here():
            assert not [one for one in facts() if "has not answered" in one]
            Job.objects.update(finished_at=DatabaseNow() - timedelta(hours=2))
            [told] = [one for one in facts() if "has not answered" in one]
            assert told == "site has not answered 1 report, the oldest for 2 h."
            with removed():
                [told] = [one for one in facts() if "has not answered" in one]
            assert told.endswith("PEERS does not name site, so none is sent.")

    def test_answered_ones_are_not(self, link: Link) -> None:
        begin(link)
        with link.peer.here():
            Job.objects.update(started_at=DatabaseNow() - timedelta(hours=2))
            assert not [one for one in facts() if "has not answered" in one]


class TestRetryOfAClone:
    @pytest.fixture
    def ended(self, link: Link) -> str:
        """Return the id of a clone that has ended."""
        ending = begin(link)
        with link.peer.here():
            endings.succeed(ending, 1)
        link.exchange()
        return ending.key.job_id

    def test_it_is_refused_and_home_is_named(self, link: Link, ended: str) -> None:
        told = (
            f"It is a clone: site owns the job and its retries. Retry it there: "
            f"manage.py offload retry {ended}"
        )
        with link.peer.here():
            with pytest.raises(NotRetriable) as refused:
                offload.retry(ended)
            assert told in str(refused.value)
            for again in (False, True):
                found = bulk.retry([ended], again=again)
                assert not found.changed
                assert [one.reason for one in found.refused] == [told]
            assert bulk.retry(Job.objects.all()).changed == ()
            with pytest.raises(CommandError, match="site owns the job"):
                call_command("offload", "retry", ended, "--yes", stdout=StringIO())
            assert not page(Job.objects.get(), with_payload=False).can_retry
            assert Job.objects.count() == 1

    def test_home_retries_it(self, link: Link, ended: str) -> None:
        with link.home.here():
            assert offload.retry(ended).id != ended

"""Outputs that cannot come home, or come too late, are told of and not kept (P12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offload.core.exceptions import SourceCorrupt, TransferFailed
from offload.core.peers.contents import Withdrawal
from offload.core.retries import Cause
from offload.files import collection
from offload.files.transfers import claimed_files
from offload.files.transports.watching import Watch
from offload.jobs import elsewhere
from offload.models import Job, News, PayloadFile
from offload.peers.files import fetched_outputs, pushing
from tests.integration.peers.files.sent_outputs import (
    FILES,
    LONG_AGO,
    REFUSED,
    arrive,
    asked_for,
    claimed,
    end,
    failure,
    having,
    is_settled,
    succeed,
    visible,
)
from tests.integration.peers.travel.acting import row_at

if TYPE_CHECKING:
    from tests.integration.peers.travel.clusters import Link

pytestmark = pytest.mark.usefixtures("media")


def test_outputs_that_cannot_be_pushed_fail_the_job_with_that_error(by_http: Link) -> None:
    succeed(by_http, FILES)
    by_http.exchange()

    end(by_http.peer, claimed(by_http.peer), pushing, error=REFUSED)
    by_http.exchange()

    assert "the other site refuses it" in failure(by_http)
    assert row_at(by_http.home).failures == 1
    assert visible(by_http) == {}
    assert is_settled(by_http)


def test_outputs_that_cannot_be_fetched_fail_the_job_with_that_error(link: Link) -> None:
    succeed(link, FILES)
    link.exchange()

    end(link.home, claimed(link.home), fetched_outputs, error=REFUSED)

    assert "the other site refuses it" in failure(link)
    row = row_at(link.home)
    assert (row.state, row.failures) == ("PENDING", 1)


def test_an_output_that_is_gone_at_the_peer_ends_the_job(by_http: Link) -> None:
    succeed(by_http, {"48.png": b"small"})
    by_http.exchange()
    files = claimed(by_http.peer)
    with by_http.peer.here():
        PayloadFile.objects.all().delete()
        with pytest.raises(SourceCorrupt, match="no longer there") as failed:
            pushing.push(files, Watch())
    end(by_http.peer, files, pushing, error=failed.value)
    by_http.exchange()

    assert row_at(by_http.home).state == "ERROR"


def test_more_outputs_than_home_takes_end_the_job(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = having(link, monkeypatch, MAX_FILES=2)
    succeed(few, FILES)
    few.exchange()

    row = row_at(few.home)
    assert row.state == "ERROR"
    assert "3 files, 2 are allowed" in row.error
    assert is_settled(few)


def test_outputs_of_a_binding_that_moved_are_refused_and_removed(by_http: Link) -> None:
    succeed(by_http, FILES)
    by_http.exchange()
    arrive(by_http, {"48.png": FILES["48.png"]})
    with by_http.home.here():
        row = Job.objects.get()
        elsewhere.came_back((row.pk, row.epoch), Cause.LEASE_EXPIRED, "nothing is heard")

    with pytest.raises(TransferFailed, match="bound anew"):
        arrive(by_http, {"empty": b""})
    end(by_http.peer, claimed(by_http.peer), pushing)
    by_http.send(by_http.peer)
    by_http.carry(by_http.home)
    by_http.carry(by_http.peer)
    assert is_settled(by_http)

    with by_http.home.here():
        assert PayloadFile.objects.count() == 1
        Job.objects.update(epoch=2)
        collection.Collector().sweep()
        assert not PayloadFile.objects.exists()


def test_a_verdict_ends_what_is_on_its_way(by_http: Link) -> None:
    succeed(by_http, FILES)
    by_http.exchange()
    with by_http.home.here():
        row = Job.objects.get()
        elsewhere.came_back((row.pk, row.epoch), Cause.LEASE_EXPIRED, "nothing is heard")
    files = claimed(by_http.peer)
    with by_http.peer.here():
        News.objects.update(due_at=LONG_AGO)

    by_http.send(by_http.peer)
    by_http.carry(by_http.home)
    by_http.carry(by_http.peer)

    assert is_settled(by_http)
    with by_http.peer.here():
        assert not claimed_files.renew(files, {}, lease=60.0)


def test_a_newer_binding_that_is_withdrawn_ends_the_transfers_of_the_older_one(
    by_http: Link,
) -> None:
    succeed(by_http, FILES)
    by_http.exchange()
    assert asked_for(by_http) == sorted(FILES)
    job_id = row_at(by_http.home).pk

    by_http.deliver(by_http.peer, Withdrawal(job_id=job_id, epoch=2, stops_runs=True))

    assert asked_for(by_http) == []

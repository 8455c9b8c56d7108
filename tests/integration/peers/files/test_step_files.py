"""Files that steps of a run make for each other go to another cluster with the job (P11)."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest
from django.db.models.functions import Now

import offload
from offload.core.transfers.descriptions import Direction, Transfer
from offload.dispatch import dispatching
from offload.dispatch.submission import new_id
from offload.files import payloads
from offload.models import Job, PayloadFile
from offload.peers.files.home_jobs import HomeJobs
from offload.tracking.drafts import Draft, insert
from tests.arranging import arrange
from tests.integration.peers.files.test_inputs import carry, content
from tests.integration.world import TOPIC

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.peers.travel.clusters import Link


@pytest.fixture
def second(link: Link, media: Path) -> str:
    """Return the id of a step's job that is bound to the peer, and asks for what others made."""
    with link.home.here():
        first = offload.submit(TOPIC, files={"in.txt": b"old", "raw.txt": b"raw"}).row
        arrange(Job.objects.filter(pk=first.pk), state="SUCCEEDED", epoch=1, finished_at=Now())
        for name, made in (("in.txt", b"made"), ("unasked.txt", b"unasked")):
            made_by(first, name, made)
        asked = {"step": "second", "step_inputs": ["in.txt"]}
        draft = Draft(id=new_id(), topic=TOPIC, payload_id=first.payload_id, options=asked)
        insert([draft])
        dispatching.sweep()
    return draft.id


def made_by(job: Job, name: str, made: bytes) -> PayloadFile:
    """Store an output of a job that has succeeded."""
    assert job.payload is not None
    stored = payloads.put(job.payload.storage, job.payload.pk, name, made)
    return PayloadFile.objects.create(job=job, epoch=1, payload=job.payload, **asdict(stored))


def test_what_earlier_steps_made_for_it_goes_with_a_job_and_nothing_else(
    link: Link, second: str
) -> None:
    link.exchange()

    assert carry(link.peer)

    with link.peer.here():
        files = PayloadFile.objects.filter(payload__jobs=second)
        assert {one.name: content(one) for one in files} == {"in.txt": b"made", "raw.txt": b"raw"}


def test_home_gives_out_what_was_made_for_the_job_by_its_name_and_content_alone(
    link: Link, second: str
) -> None:
    with link.home.here():
        made = {one.name: one for one in PayloadFile.objects.exclude(job=None)}

        def source(name: str, job_id: str = second) -> bytes | None:
            file = made[name].description
            way = Direction.INPUT
            asked = Transfer(peer="render", job_id=job_id, direction=way, file=file, epoch=1)
            found = HomeJobs().source(asked)
            other = replace(asked, file=replace(file, sha256="0" * 64))
            assert HomeJobs().source(other) is None
            if found is None:
                return None
            with found.open() as opened:
                return bytes(opened.read())

        assert source("in.txt") == b"made"
        assert source("unasked.txt") is None
        assert source("in.txt", "no-such-job") is None

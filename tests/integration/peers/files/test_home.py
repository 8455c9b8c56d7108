"""What home's rows say of a transfer: whether it may be, what it sends, and what it stores."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.base import ContentFile
from django.test.utils import CaptureQueriesContext

import offload
from offload.core.exceptions import NoSpace, TransferFailed
from offload.core.placement.topology import Mode
from offload.core.transfers.descriptions import Direction, FileDescription, Transfer
from offload.db import database
from offload.files.transports import staging
from offload.files.transports.http.home import Refusal
from offload.models import Job, PayloadFile, PeerRefusal
from offload.peers.files import home_jobs
from offload.peers.files.home_jobs import HomeJobs
from tests.arranging import arrange
from tests.integration.world import TOPIC, join

if TYPE_CHECKING:
    from pathlib import Path

HOME = HomeJobs()
CONTENT = b"content"


@pytest.fixture(autouse=True)
def _instance(media: Path) -> None:
    join(mode=Mode.STARTING)


def away() -> str:
    """Return the id of a job with an input that is bound to a peer."""
    job = offload.submit(TOPIC, files={"in.txt": CONTENT})
    facts = {"state": "QUEUED", "peer": "render", "instance": "render/gpu1@host", "epoch": 1}
    arrange(Job.objects.filter(pk=job.id), **facts)
    return job.id


def transfer(
    job_id: str,
    name: str = "in.txt",
    *,
    content: bytes = CONTENT,
    direction: Direction = Direction.INPUT,
    peer: str = "render",
    epoch: int = 1,
) -> Transfer:
    """Return a transfer of a file of the job."""
    digest = sha256(content).hexdigest()
    file = FileDescription(name=name, size=len(content), media_type="text/plain", sha256=digest)
    return Transfer(peer=peer, job_id=job_id, direction=direction, file=file, epoch=epoch)


def test_a_transfer_is_open_for_the_binding_that_it_is_for() -> None:
    job_id = away()

    assert HOME.is_open(transfer(job_id))
    assert not HOME.is_open(transfer(job_id, peer="other"))
    assert not HOME.is_open(transfer(job_id, epoch=2))
    assert not HOME.is_open(transfer("no-such-job"))

    arrange(Job.objects.filter(pk=job_id), state="PENDING", peer=None, instance="")
    assert not HOME.is_open(transfer(job_id))


def test_home_sends_the_input_that_was_announced_and_no_other_one() -> None:
    job_id = away()
    other = offload.submit(TOPIC, files={"secret.txt": b"secret"})

    source = HOME.source(transfer(job_id))

    assert source is not None
    with source.open() as content:
        assert content.read() == CONTENT
    assert HOME.source(transfer(job_id, content=b"other")) is None
    assert HOME.source(transfer(job_id, "secret.txt", content=b"secret")) is None
    assert HOME.source(transfer(other.id, "secret.txt", content=b"secret")) is not None


def test_a_file_that_is_gone_is_missing(media: Path) -> None:
    job_id = away()
    for path in media.rglob("*"):
        if path.is_file():
            path.unlink()

    assert HOME.source(transfer(job_id)) is None


def test_an_output_is_stored_once_and_not_seen_before_its_job_succeeded(media: Path) -> None:
    job_id = away()
    output = transfer(job_id, "out/48.png", content=b"small", direction=Direction.OUTPUT)
    assert HOME.held([output]) == set()

    assert HOME.accept([(output, ContentFile(b"small"))]) == [None]
    assert HOME.accept([(output, ContentFile(b"small"))]) == [None]

    assert HOME.held([output]) == {output}
    found = PayloadFile.objects.get(job=job_id)
    assert (found.name, found.epoch, found.size) == ("out/48.png", 1, 5)
    assert sum(path.is_file() for path in media.rglob("*")) == 2
    assert list(Job.objects.get(pk=job_id).outputs) == []


def test_an_output_that_comes_too_late_is_not_kept(media: Path) -> None:
    job_id = away()
    output = transfer(job_id, "48.png", content=b"small", direction=Direction.OUTPUT)
    arrange(Job.objects.filter(pk=job_id), epoch=2)

    [problem] = HOME.accept([(output, ContentFile(b"small"))])

    assert isinstance(problem, TransferFailed)
    assert "bound anew" in problem.problem

    assert not PayloadFile.objects.filter(job=job_id).exists()
    assert sum(path.is_file() for path in media.rglob("*")) == 1


def outputs(job_id: str, count: int) -> list[tuple[Transfer, ContentFile[bytes]]]:
    """Return small outputs of the job, each with its bytes."""
    contents = {f"{number}.png": b"%d" % number for number in range(count)}
    return [
        (transfer(job_id, name, content=one, direction=Direction.OUTPUT), ContentFile(one))
        for name, one in contents.items()
    ]


def test_many_outputs_take_no_more_statements_than_one(
    django_assert_num_queries: Any, media: Path
) -> None:
    job_id = away()
    HOME.accept(outputs(job_id, 1))
    with CaptureQueriesContext(database.connection()) as of_one:
        HOME.accept(outputs(job_id, 2)[1:])

    with django_assert_num_queries(len(of_one), connection=database.connection()):
        assert HOME.accept(outputs(job_id, 40)[2:]) == [None] * 38

    assert PayloadFile.objects.filter(job=job_id).count() == 40
    assert sum(path.is_file() for path in media.rglob("*")) == 41


def test_an_output_without_room_keeps_back_no_other(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = away()
    usual = staging.keep

    def full(file: FileDescription, *rest: Any) -> Any:
        if file.name == "1.png":
            raise NoSpace(name=file.name, problem="the disk is full")
        return usual(file, *rest)

    monkeypatch.setattr(home_jobs, "keep", full)

    problems = HOME.accept(outputs(job_id, 3))

    assert [type(one) for one in problems] == [type(None), NoSpace, type(None)]
    names = PayloadFile.objects.filter(job=job_id).values_list("name", flat=True)
    assert sorted(names) == ["0.png", "2.png"]


def test_a_process_that_ends_while_it_stores_outputs_keeps_none(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = away()
    usual = staging.keep

    def ending(file: FileDescription, *rest: Any) -> Any:
        if file.name == "2.png":
            raise KeyboardInterrupt
        return usual(file, *rest)

    monkeypatch.setattr(home_jobs, "keep", ending)

    with pytest.raises(KeyboardInterrupt):
        HOME.accept(outputs(job_id, 3))

    assert not PayloadFile.objects.filter(job=job_id).exists()
    assert sum(path.is_file() for path in media.rglob("*")) == 1


def test_refused_requests_are_counted_and_a_made_up_name_is_not_kept() -> None:
    now = [0.0]
    home = HomeJobs(clock=lambda: now[0])

    home.refused("render", Refusal.EXPIRED)
    home.refused("<made up>", Refusal.FORGED)
    now[0] = 2.0
    home.refused("render", Refusal.OVER)

    counted = {(one.peer, one.count, one.detail) for one in PeerRefusal.objects.all()}
    assert counted == {("render", 2, "over"), ("", 1, "forged")}

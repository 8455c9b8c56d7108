"""``transfers`` lists files on their way, and so does the job's page."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from offload.core.transfers.descriptions import Direction, FileDescription
from offload.core.transfers.stages import TransferTask
from offload.core.transfers.tickets import Ticket
from offload.diagnostics import storage
from offload.files.transfers import claimed_files, noted
from offload.models import FileTransfer, Job
from offload.reading.jobs.page import page
from offload.reading.waiting.explain import explain_job
from tests.arranging import arrange
from tests.integration.world import waiting

FILES = [
    FileDescription(name=name, size=1000, media_type="a/b", sha256=sha * 64)
    for name, sha in (("a.txt", "0"), ("b.txt", "1"))
]


def said(*words: str) -> str:
    """Return the output of the command."""
    out = StringIO()
    call_command("offload", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def clone() -> str:
    """Return the id of a clone that waits for its files."""
    [job_id] = waiting()
    facts: dict[str, Any] = {"home": "author", "home_epoch": 1, "hold": "payload"}
    arrange(Job.objects.filter(pk=job_id), **facts)
    noted.note(
        job_id,
        peer="author",
        epoch=1,
        direction=Direction.INPUT,
        task=TransferTask.FETCH,
        files=[(one, Ticket(transport="http")) for one in FILES],
    )
    return job_id


def test_without_any_it_says_so() -> None:
    assert said("transfers").startswith("No file is on its way")
    assert json.loads(said("transfers", "--json")) == []


def test_all_and_those_of_a_job_are_listed(clone: str) -> None:
    for words in (("transfers", "--json"), ("transfers", clone, "--json")):
        found = json.loads(said(*words))
        assert {(one["name"], one["stage"], one["peer"]) for one in found} == {
            ("a.txt", "waiting", "author"),
            ("b.txt", "waiting", "author"),
        }
    assert "a.txt" in said("transfers")
    assert "a.txt" in said("job", clone)
    assert len(json.loads(said("job", clone, "--json"))["transfers"]) == len(FILES)


def test_it_is_said_how_far_the_files_are(clone: str) -> None:
    files = claimed_files.claim("agent@here", storage="default", lease=60.0)
    assert files is not None
    claimed_files.renew(files, {"a.txt": 500}, lease=60.0)

    job = Job.objects.get(pk=clone)

    told = explain_job(job).sentence.replace("\xa0", " ")
    assert "from its home: 0 of 2 files, 500 bytes of 2.0 KB." in told
    shown = page(job, with_payload=False).transfers
    assert [(one.name, one.stage, one.sent) for one in shown] == [
        ("a.txt", "running", 500),
        ("b.txt", "running", 0),
    ]


def test_the_doctor_says_what_failed(clone: str) -> None:
    assert list(storage.examine_transfers()) == []
    files = claimed_files.claim("agent@here", storage="default", lease=60.0)
    assert files is not None
    claimed_files.fail(files, name="b.txt", code="no_space", problem="the disk is full")

    [finding] = storage.examine_transfers()

    assert "1 file could not be carried between clusters: the disk is full." in finding.fact
    assert clone in finding.next_step


def test_duration_tries_and_class_of_the_error_are_shown(clone: str) -> None:
    files = claimed_files.claim("agent@here", storage="default", lease=60.0)
    assert files is not None
    claimed_files.fail(files, name="b.txt", code="no_space", problem="the disk is full")
    began = timezone.now()
    FileTransfer.objects.filter(name="b.txt").update(
        started_at=began, finished_at=began + timedelta(seconds=7)
    )

    for words in (("transfers",), ("transfers", clone), ("job", clone)):
        told = said(*words)
        assert "took" in told
        assert "7" in told
        assert "no_space" in told
    assert clone[-6:] in said("transfers").replace("\n", "")

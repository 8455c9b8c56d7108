"""``manage.py offload payload``: what there is, what is wrong with it, and its deletion."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from uuid_utils import uuid7

import offload
from offload.core.files import locations
from offload.core.retries import RetryDecision
from offload.core.states import JobState
from offload.files import outputs, verification
from offload.management.verbs import payload
from offload.models import KeptFile, PayloadFile
from offload.tracking import finishing
from tests.integration.world import BROKE, TOPIC, join, running

if TYPE_CHECKING:
    from pathlib import Path

ENOUGH = RetryDecision(state=JobState.GIVEN_UP, delay=0, failures=1, crashes=0, reason="enough")


@pytest.fixture(autouse=True)
def _instance(media: Path) -> None:
    join()


def told(*words: str) -> str:
    """Return what the verb prints."""
    out = StringIO()
    call_command("offload", "payload", *words, stdout=out)
    return out.getvalue()


def facts(*words: str) -> Any:
    """Return what the verb tells programs."""
    return json.loads(told(*words, "--json"))


def failing(*words: str) -> tuple[Any, str]:
    """Return what the verb tells programs before it fails, and the error."""
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("offload", "payload", *words, "--json", stdout=out)
    return json.loads(out.getvalue()), str(caught.value)


def failed_output() -> None:
    """Make an output that nobody will see."""
    run = running()
    outputs.add(run.key, "48.png", b"half")
    finishing.fail(run.key, ENOUGH, BROKE, aftermath=False)


def orphan(media: Path) -> Path:
    """Put a file into the storage as a process does that dies before its commit."""
    path = media / str(uuid7()) / str(uuid7())
    path.parent.mkdir(parents=True)
    path.write_bytes(b"orphan")
    return path


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all files of this test be a year old."""

    def earlier(name: str) -> float | None:
        found = locations.made_at(name)
        return None if found is None else found - 365 * 24 * 3600

    monkeypatch.setattr(verification, "made_at", earlier)


def test_it_lists_storages_and_payloads() -> None:
    assert told("list") == "No job has files.\n"
    offload.submit(TOPIC, files={"a": b"12345", "b": b"678"})
    failed_output()

    found = facts("list")

    assert found["storages"] == [
        {
            "storage": "offload", "files": 3, "bytes": 12, "unused_files": 1, "unused_bytes": 4,
            "kept_files": 0, "kept_bytes": 0, "dying": 0, "dying_since": None, "failing": 0,
            "error": "",
        }
    ]  # fmt: skip
    assert [(one["files"], one["bytes"], one["jobs"]) for one in found["payloads"]] == [
        (2, 8, 1), (1, 4, 1),
    ]  # fmt: skip
    assert "1 (4" in told("list")


def test_it_finds_every_file_as_it_was_stored() -> None:
    offload.submit(TOPIC, files={"a": b"12345", "empty": b""})

    assert told("verify") == "2 files are as stored.\n"
    assert facts("verify") == {"verified": 2, "faults": []}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--storage", "nope"), "no storage 'nope'"),
        (("--payload", "nope"), "no payload 'nope'"),
        (("--payload", str(uuid7())), "no payload"),
    ],
)
def test_it_says_that_it_knows_no_such_storage_or_payload(
    words: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(CommandError, match=problem):
        told("verify", *words)


@pytest.mark.usefixtures("old")
def test_it_names_changed_and_missing_files_and_orphans(media: Path) -> None:
    offload.submit(TOPIC, files={"a": b"12345", "b": b"678", "c": b"9"})
    rows = {one.name: one for one in PayloadFile.objects.all()}
    (media / rows["a"].location).write_bytes(b"54321")
    (media / rows["b"].location).unlink()
    path = orphan(media)
    (media / "another").write_bytes(b"no file of a job")

    found, error = failing("verify")

    assert [(one["fault"], one["name"], one["location"]) for one in found["faults"]] == [
        ("changed", "a", rows["a"].location),
        ("missing", "b", rows["b"].location),
        ("orphan", "", str(path.relative_to(media))),
    ]
    assert "3 files are not as stored" in error
    assert path.exists()
    found, _ = failing("verify", "--payload", rows["a"].payload_id)
    assert [one["fault"] for one in found["faults"]] == ["changed", "missing"]


def test_it_deletes_unused_outputs_and_only_counts_them_when_asked_to(media: Path) -> None:
    offload.submit(TOPIC, files={"a": b"12345"})
    failed_output()

    assert facts("prune", "--dry-run") == {
        "unused": 1, "kept": 0, "dying": 0, "orphans": 0, "bytes": 4, "dry_run": True, "left": 0,
    }  # fmt: skip
    assert PayloadFile.objects.count() == 2
    assert "1 unused outputs and 0 orphans are deleted" in told("prune")

    assert [one.name for one in PayloadFile.objects.all()] == ["a"]
    assert len([path for path in media.rglob("*") if path.is_file()]) == 1


def test_it_deletes_what_is_kept_for_other_clusters_if_it_is_told_to(media: Path) -> None:
    place = media / "parts" / "one"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"kept")
    KeptFile.objects.create(peer="site", size=4, storage="offload", location="parts/one")

    assert facts("list")["storages"][0]["kept_files"] == 1
    assert "kept" not in told("prune")
    assert facts("prune", "--kept", "--dry-run")["kept"] == 1
    assert place.exists()
    assert "1 kept file are deleted" in told("prune", "--kept")

    assert not place.exists()
    assert not KeptFile.objects.exists()


@pytest.mark.usefixtures("old")
def test_it_deletes_orphans_that_are_old_enough_and_nothing_else(media: Path) -> None:
    offload.submit(TOPIC, files={"a": b"12345"})
    path = orphan(media)
    foreign = media / "2024" / "photo.jpg"
    foreign.parent.mkdir()
    foreign.write_bytes(b"another program's")

    assert facts("prune")["orphans"] == 0
    assert facts("prune", "--orphans", "--older-than", "370d")["orphans"] == 0
    assert path.exists()
    assert facts("prune", "--orphans")["orphans"] == 1

    assert not path.parent.exists()
    assert foreign.exists()
    assert facts("verify") == {"verified": 1, "faults": []}


def test_an_age_without_orphans_is_refused(media: Path) -> None:
    path = orphan(media)

    with pytest.raises(CommandError, match="Write: --orphans --older-than"):
        told("prune", "--older-than", "2h")

    assert path.exists()


def test_it_leaves_what_a_transaction_may_have_stored_a_moment_ago(media: Path) -> None:
    path = orphan(media)

    assert facts("prune", "--orphans", "--older-than", "1h")["orphans"] == 0
    with pytest.raises(CommandError, match="may belong to a transaction"):
        told("prune", "--orphans", "--older-than", "5m")

    assert path.exists()


def test_long_work_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload, "PROGRESS_SECONDS", 0.0)
    offload.submit(TOPIC, files={"a": b"1", "b": b"2"})

    assert told("verify").splitlines() == ["1 of 2 files", "2 of 2 files", "2 files are as stored."]
    assert timedelta(hours=1) <= payload.ORPHAN_AGE

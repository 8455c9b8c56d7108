"""Deliveries that were given up are tried again if somebody asks for it."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command

import offload
from offload.core.files.deliveries import FAILURES_MAX
from offload.files import delivering
from offload.models import ChangeRecord, Delivery, Job
from offload.operations import bulk
from offload.operations.changes.actors import at_terminal
from offload.reading.jobs import page
from tests.integration.files.delivered import again, contents, instance, public, ran
from tests.integration.world import TOPIC, Running, waiting

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["instance", "public"]

TO = {"a": offload.ToStorage("default", "{job.id}"), "b": offload.ToStorage("default", "{job.id}")}


@pytest.fixture(autouse=True)
def _site(instance: None, public: Path) -> None:
    """Have an instance, and a storage of the site."""


@pytest.fixture
def given_up(public: Path) -> Running:
    """Return a job that made one of two outputs, whose delivery failed too often."""
    run = ran(TO, {"a": b"made"})
    public.write_bytes(b"a file in the place of the folder")
    Delivery.objects.open().update(failures=FAILURES_MAX - 1)
    assert delivering.deliver() == 1
    assert {one.state for one in Delivery.objects.all()} == {"failed"}
    public.unlink()
    return run


def told(*words: str) -> Any:
    """Return the answer of the verb to programs."""
    out = StringIO()
    call_command("offload", "deliver", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_it_is_delivered_once_the_storage_is_mended(given_up: Running, public: Path) -> None:
    assert page.page(given_up.row, with_payload=False).can_deliver

    assert [one["id"] for one in told(given_up.id)["changed"]] == [given_up.id]
    again()
    assert delivering.deliver() == 1

    assert contents(public) == {f"{given_up.id}/a": b"made"}
    states = dict(Delivery.objects.values_list("name", "error"))
    # Nothing would change if the output that was never made were tried.
    assert states == {"a": "", "b": "the job has no such output"}
    assert not page.page(given_up.row, with_payload=False).can_deliver


def test_all_that_match_are_tried_again(given_up: Running) -> None:
    ran(TO, {"a": b"a", "b": b"b"})

    assert [one["id"] for one in told("--topic", TOPIC, "--yes")["changed"]] == [given_up.id]
    assert told("--topic", TOPIC, "--yes")["changed"] == []


def test_it_is_recorded_who_asked_and_nothing_for_a_dry_run(given_up: Running) -> None:
    actor = at_terminal()
    assert bulk.deliver([given_up.id], by=actor, dry_run=True).changed
    assert not ChangeRecord.objects.exists()

    bulk.deliver([given_up.id], by=actor, note="the disk is mended")

    [record] = ChangeRecord.objects.all()
    assert record.action == "deliver"
    assert "Let outputs of 1 job be delivered again" in record.text


def test_it_is_said_why_nothing_is_tried(given_up: Running) -> None:
    done = ran(TO, {"a": b"a", "b": b"b"})
    [open_] = waiting()

    refused = {one.id: one.reason for one in bulk.deliver([open_, done.id]).refused}

    assert "It has not ended" in refused[open_]
    assert "None of its deliveries" in refused[done.id]


def test_jobs_that_are_submitted_together_are_delivered_each(public: Path) -> None:
    jobs = offload.submit_many(TOPIC, [{"width": 1}, {"width": 2}], deliver_to=TO)

    rows = [Job.objects.get(pk=job.id) for job in jobs]
    assert {len(row.options["offload_deliver"]) for row in rows} == {2}
    assert all(row.payload_id for row in rows)
    with pytest.raises(offload.InvalidDelivery):
        offload.submit_many(TOPIC, [{"width": 1}], deliver_to={"a": 7})  # type: ignore[dict-item]

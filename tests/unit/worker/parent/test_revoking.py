"""Jobs that Celery's own client revoked are stopped in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery.worker import state

from offload.worker.parent.in_flight import InFlight
from tests.unit.worker.parent.requests import KEY, arrived

if TYPE_CHECKING:
    from collections.abc import Iterator

#: As a client's command writes them: a value or several.
STAMPS: dict[str, Any] = state.revoked_stamps


@pytest.fixture
def in_flight() -> Iterator[InFlight]:
    """Return the empty state of a new worker; forget revoked ids after the test."""
    yield InFlight(concurrency=2)
    state.revoked.clear()
    STAMPS.clear()


@pytest.mark.parametrize(
    ("revoked", "is_stopped"),
    [
        ({"customer": "c1"}, True),
        ({"customer": ["c0", "c1"]}, True),
        ({"region": "north"}, True),
        ({"customer": "c2"}, False),
        ({"region": "c1"}, False),
        ({"other": "c1"}, False),
        ({}, False),
    ],
)
def test_a_job_whose_stamp_was_revoked_is_stopped_and_not_refused(
    in_flight: InFlight, revoked: dict[str, Any], is_stopped: bool
) -> None:
    STAMPS.update(revoked)

    request = arrived(in_flight, stamps={"customer": "c1", "region": ["north", "south"]})

    # Refused here it would wait for ever: the claim is told.
    assert request.revoked() is False
    assert in_flight.stops == ({KEY: False} if is_stopped else {})


def test_a_job_without_stamps_is_no_matter_of_stamps(in_flight: InFlight) -> None:
    STAMPS.update({"customer": "c1"})

    assert arrived(in_flight).revoked() is False
    assert in_flight.stops == {}


def test_a_job_whose_id_was_revoked_is_stopped_and_not_refused(in_flight: InFlight) -> None:
    state.revoked.add("one")

    assert arrived(in_flight).revoked() is False
    assert in_flight.stops == {KEY: False}


@pytest.mark.parametrize("by", ["id", "stamp"])
def test_a_plain_task_that_was_revoked_is_refused_as_celery_does(
    in_flight: InFlight, by: str
) -> None:
    if by == "id":
        state.revoked.add("one")
    else:
        STAMPS.update({"customer": "c1"})

    assert arrived(in_flight, stamps={"customer": "c1"}, is_job=False).revoked() is True
    assert in_flight.stops == {}

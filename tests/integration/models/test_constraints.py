"""Constraints: the database refuses invalid rows, whoever writes them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models
from django.utils import timezone

from offload.core.moments import LATEST
from offload.db import database
from offload.models import Job, Payload, PayloadFile, Queue, Rule
from offload.rules import editing
from tests.arranging import arrange
from tests.integration.world import waiting

SOMEWHERE = {"instance": "w@host", "epoch": 1}


def refused(write: Any) -> str:
    """Return the database's error for a refused write."""
    with pytest.raises(IntegrityError) as error, database.atomic():
        write()
    return str(error.value)


@pytest.mark.parametrize(
    ("facts", "constraint"),
    [
        ({"state": "LOST"}, "offload_job_finished"),
        ({"state": "LOST", "finished_at": timezone.now()}, "offload_job_finished"),
        ({"state": "SUCCEEDED"}, "offload_job_finished"),
        ({"state": "PENDING", "finished_at": timezone.now()}, "offload_job_finished"),
        ({"state": "QUEUED", **SOMEWHERE, "finished_at": timezone.now()}, "offload_job_finished"),
        ({"state": "QUEUED", "epoch": 1}, "offload_job_somewhere"),
        ({"state": "ACTIVE", "epoch": 1}, "offload_job_somewhere"),
        ({"state": "QUEUED", "instance": "w@host"}, "offload_job_somewhere"),
    ],
)
def test_a_job_is_in_a_state_and_what_belongs_to_it(facts: dict[str, Any], constraint: str) -> None:
    [job_id] = waiting()

    assert constraint in refused(lambda: arrange(Job.objects.filter(pk=job_id), **facts))
    assert Job.objects.get(pk=job_id).state == "PENDING"


@pytest.mark.parametrize(
    "facts",
    [
        {"state": "QUEUED", **SOMEWHERE},
        {"state": "ACTIVE", **SOMEWHERE},
        {"state": "EXPIRED", "finished_at": timezone.now()},
    ],
)
def test_what_belongs_together_is_taken(facts: dict[str, Any]) -> None:
    [job_id] = waiting()

    assert arrange(Job.objects.filter(pk=job_id), **facts) == 1


def file(payload: Payload, **facts: Any) -> PayloadFile:
    """Store the row of a file."""
    there = {"name": "a.txt", "size": 1, "media_type": "text/plain", "location": "a"}
    made: PayloadFile = PayloadFile.objects.create(payload=payload, **{**there, **facts})
    return made


def test_a_file_has_a_size_and_a_name_of_its_own() -> None:
    payload = Payload.objects.create(id="p", storage="default")
    file(payload)

    assert "offload_file_size" in refused(lambda: file(payload, name="b.txt", size=-1))
    refused(lambda: file(payload))


def test_an_attempt_makes_a_file_of_one_name_once_and_the_next_one_again() -> None:
    payload = Payload.objects.create(id="p", storage="default")
    [job_id] = waiting()
    file(payload, job_id=job_id, epoch=1)

    refused(lambda: file(payload, job_id=job_id, epoch=1))
    file(payload, job_id=job_id, epoch=2)


def rule(**facts: Any) -> Rule:
    """Store a rule."""
    there = {"verb": "deny", "scope": "instance", "target": "w@host", "pattern": "dam/**"}
    made: Rule = Rule.objects.create(**{**there, **facts})
    return made


def test_a_rule_has_a_known_verb_and_a_target_and_is_there_once() -> None:
    rule()

    assert "offload_rule_verb" in refused(lambda: rule(verb="hope"))
    assert "offload_rule_target" in refused(lambda: rule(target=""))
    refused(rule)
    rule(scope="label")


BEYOND = [
    ("ranking", -1_000_001),
    ("ranking", 1_000_001),
    ("ageing", 0.5),
    ("ageing", 31_536_001.0),
    ("burst", 0),
    ("burst", 1_000_001),
    ("max_parallel", 0),
    ("max_parallel", 1_000_001),
    ("max_per_key", 0),
    ("max_per_key", 1_000_001),
    ("max_per_host", 0),
    ("max_per_host", 1_000_001),
    ("rescue_seconds", -1),
    ("rescue_seconds", 365 * 86_400 + 1),
    ("max_per_instance", -1.5),
    ("max_per_instance", 1_000_001),
    ("retries", -2),
    ("retries", 1_000_001),
    ("retry_delay", -0.5),
    ("retry_delay", 1e300),
    ("retry_delay", math.inf),
    ("backoff", 0.5),
    ("backoff", 1e300),
    ("retention_days", 0),
    ("retention_days", 999_999),
]


@pytest.mark.parametrize(("field", "value"), BEYOND)
def test_a_number_of_a_queue_has_its_bound_in_the_database_and_in_forms(
    field: str, value: float
) -> None:
    queue = Queue(name="q", topics=["a/**"], **{field: value})

    with pytest.raises(ValidationError) as told:
        queue.full_clean()
    assert field in told.value.message_dict
    assert "offload_queue_" in refused(queue.save)


def test_every_number_of_a_queue_has_a_bound() -> None:
    numbers = (models.IntegerField, models.FloatField)
    fields = {one.name for one in Queue._meta.fields if isinstance(one, numbers) and one.editable}

    assert {field for field, _ in BEYOND} == fields - {"id"}


def test_a_rule_ends_when_every_zone_can_still_show_it() -> None:
    far = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    options = {"verb": "deny", "target": "a@b", "pattern": "x", "until": far}

    with pytest.raises(ValidationError, match="until"):
        Rule(**options).full_clean()
    assert "offload_rule_until" in refused(lambda: Rule.objects.create(**options))
    assert editing.deny("a@b", "x", until=far).until == LATEST

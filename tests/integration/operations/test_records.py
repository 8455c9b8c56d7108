"""Changes are recorded: who made each, from where, and what it was."""

from __future__ import annotations

import os
import pwd
import socket
from typing import TYPE_CHECKING

import pytest
from django.db import transaction

from offload.core.exceptions import UnknownInstance
from offload.core.placement.topology import RuleVerb
from offload.db import database
from offload.fleet.snapshots import now
from offload.models import ChangeRecord, Job, Rule
from offload.models.change_records import Entrance
from offload.operations import bulk
from offload.operations.changes import actors
from offload.operations.changes.actors import Actor
from offload.operations.changes.queues import AddQueue
from offload.operations.changes.rules import RemoveRules, WriteRules
from offload.operations.changes.switches import DrainInstance, SwitchOff
from offload.rules import editing
from offload.signals import ChangeMade, change_made
from tests.integration.world import HERE, THERE, TOPIC, join, states, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

ANNA = Actor(name="anna@desk", entrance=Entrance.TERMINAL)


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


@pytest.fixture
def heard() -> Iterator[list[ChangeMade]]:
    """Return the events of changes that receivers get."""
    events: list[ChangeMade] = []

    def note(*, event: ChangeMade, **_: object) -> None:
        events.append(event)

    change_made.connect(note, dispatch_uid="tests")
    yield events
    change_made.disconnect(dispatch_uid="tests")


def test_a_change_is_recorded_with_who_made_it_when_and_from_where(heard: list[ChangeMade]) -> None:
    before = now()

    SwitchOff(instance=HERE, note="disk").apply(ANNA)

    record = ChangeRecord.objects.get()
    text = f"Switched {HERE} off: disk."
    assert (record.actor, record.entrance) == ("anna@desk", "terminal")
    assert (record.action, record.kind, record.subject) == ("off", "instance", HERE)
    assert (record.text, str(record)) == (text, text)
    assert abs((record.at - before).total_seconds()) < 60
    assert heard == [ChangeMade("off", "instance", HERE, text, "anna@desk", "terminal")]


def test_each_thing_that_a_change_is_about_has_its_record() -> None:
    editing.deny(HERE, TOPIC)
    editing.deny(HERE, "audio/*")
    editing.deny("gpu", TOPIC, scope="label")

    RemoveRules(ids=tuple(Rule.objects.values_list("pk", flat=True))).apply(ANNA)
    AddQueue(name="slow", topics=("a",)).apply(ANNA)

    found = ChangeRecord.objects.values_list("action", "kind", "subject")
    assert sorted(found) == [
        ("add queue", "queue", "slow"),
        ("clear", "instance", HERE),
        ("clear", "label", "gpu"),
    ]


def test_the_newest_record_comes_first() -> None:
    for pattern in ("a", "b"):
        WriteRules(verb=RuleVerb.DENY, target=HERE, patterns=(pattern,)).apply(ANNA)

    texts = [record.text for record in ChangeRecord.objects.all()]

    assert texts == [f"Denied b on {HERE}.", f"Denied a on {HERE}."]


def test_what_is_previewed_refused_or_rolled_back_is_not_recorded(heard: list[ChangeMade]) -> None:
    SwitchOff(instance=HERE).preview()
    with pytest.raises(UnknownInstance):
        SwitchOff(instance=THERE).apply(ANNA)
    with database.atomic():
        SwitchOff(instance=HERE).apply(ANNA)
        transaction.set_rollback(True, using=database.alias())

    assert not ChangeRecord.objects.exists()
    assert heard == []


def test_a_terminal_is_named_by_the_operating_system_and_not_by_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")

    actor = actors.at_terminal()

    assert actor.name == f"{pwd.getpwuid(os.getuid()).pw_name}@{socket.gethostname()}"
    assert str(actor) == f"{actor.name} (terminal)"
    assert actor.user is None


def test_a_name_of_any_length_is_recorded() -> None:
    SwitchOff(instance=HERE).apply(Actor(name="x" * 300, entrance=Entrance.ADMIN))
    DrainInstance(instance=HERE).apply(Actor(name="x" * 300, entrance=Entrance.ADMIN))

    assert [len(one.actor) for one in ChangeRecord.objects.all()] == [255, 255]


def test_what_a_person_does_to_jobs_is_recorded_with_their_number_and_the_reason(
    heard: list[ChangeMade],
) -> None:
    first, second, *others = waiting(5)
    (printed,) = waiting(topic="print")

    bulk.stop([first], by=ANNA, note="wrong width.")
    bulk.remove([second, printed], by=ANNA)
    (new,) = bulk.retry([first], by=ANNA).changed
    bulk.stop(Job.objects.filter(topic=TOPIC), by=ANNA)

    found = ChangeRecord.objects.order_by("pk").values_list("action", "kind", "subject", "text")
    again = new.retried_as
    assert list(found) == [
        ("stop", "job", first, f"Asked 1 job to stop ({first}): wrong width."),
        ("remove", "job", "", f"Removed 2 jobs ({second}, {printed})."),
        ("retry", "job", first, f"Retried 1 job ({first} as {again})."),
        ("stop", "job", TOPIC, f"Asked 4 jobs to stop ({', '.join(others)}, …)."),
    ]
    assert {(one.actor, one.entrance) for one in heard} == {("anna@desk", "terminal")}
    assert [one.action for one in heard] == ["stop", "remove", "retry", "stop"]


def test_what_code_does_to_jobs_and_what_changes_none_is_not_recorded() -> None:
    (ended,) = waiting()

    bulk.stop([ended])
    bulk.stop([ended], by=ANNA)
    bulk.retry(Job.objects.all(), by=ANNA, dry_run=True)

    assert not ChangeRecord.objects.exists()


def test_each_transaction_of_a_request_records_what_it_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting(5)
    monkeypatch.setattr(bulk, "JOBS_PER_TRANSACTION", 3)

    bulk.stop(Job.objects.all(), force=True, by=ANNA)

    texts = [one.text for one in ChangeRecord.objects.order_by("pk")]
    assert [text.partition(" (")[0] for text in texts] == [
        "Asked 3 jobs to stop by force",
        "Asked 2 jobs to stop by force",
    ]
    assert {one.action for one in ChangeRecord.objects.all()} == {"stop by force"}


def test_jobs_are_not_stopped_if_that_cannot_be_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = waiting(2)

    def refuse(*_: object) -> None:
        raise RuntimeError("no record")

    monkeypatch.setattr("offload.operations.changes.recording.record", refuse)
    with pytest.raises(RuntimeError, match="no record"):
        bulk.stop(ids, by=ANNA)

    assert states(ids) == ["PENDING", "PENDING"]

"""Statements that take effect together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import DatabaseError

import offload
from offload.db.statements import Statement, change, if_changed, named, together
from offload.models import Instance, Job, Version
from offload.tracking.binding import inserting
from offload.tracking.drafts import Draft
from tests.integration.world import HERE, LANE, TOPIC, join, place, waiting

if TYPE_CHECKING:
    from tests.integration.world import Broker

ADD = Statement(
    "INSERT INTO offload_version (name, number) VALUES (%(added)s, 1) RETURNING name",
    {"added": "a"},
)
WRONG = Statement("SELECT 1 FROM nowhere")


def _also(name: str) -> Statement:
    return Statement(
        "INSERT INTO offload_version (name, number) "
        f"SELECT CAST(%(also)s AS text), 2 WHERE {if_changed()}",
        {"also": name},
    )


def test_each_statement_tells_its_rows() -> None:
    gone = Statement("DELETE FROM offload_slot WHERE instance = 'x' RETURNING instance")

    assert together(ADD, Statement("SELECT 7"), gone) == [[("a",)], [(7,)], []]


def test_all_or_none_take_effect() -> None:
    with pytest.raises(DatabaseError):
        together(ADD, WRONG)

    assert not Version.objects.filter(pk="a").exists()


def test_they_are_one_transaction_where_several_cannot_be_sent_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("offload.db.preparing.can_go_together", lambda _: False)

    with pytest.raises(DatabaseError):
        together(ADD, WRONG)
    assert together(ADD, Statement("SELECT 7")) == [[("a",)], [(7,)]]


def test_what_follows_a_change_happens_with_it() -> None:
    assert change(ADD, _also("b")) == [("a",)]

    assert Version.objects.filter(pk="b").exists()


def test_nothing_follows_a_change_that_hit_no_row() -> None:
    nothing = Statement("UPDATE offload_version SET number = 3 WHERE name = 'x' RETURNING name")

    assert change(nothing, _also("b")) == []

    assert not Version.objects.filter(pk="b").exists()


def test_a_change_falls_with_what_follows_it() -> None:
    with pytest.raises(DatabaseError):
        change(ADD, Statement("INSERT INTO nowhere SELECT 1"))

    assert not Version.objects.filter(pk="a").exists()


def test_a_new_job_is_stored_bound_where_there_is_room(app: object, broker: Broker) -> None:
    join()
    offload.submit(TOPIC)

    job = offload.submit(TOPIC)

    assert (job.row.state, job.row.instance, job.row.epoch) == ("QUEUED", HERE, 1)
    assert len(broker.sent_to()) == 2


def test_a_new_job_does_not_overtake_those_that_wait(app: object) -> None:
    join()
    waiting(1)

    new, bound = inserting.insert_bound(place(), Draft(id="late", topic=TOPIC, queue="default"))

    assert new
    assert bound == []
    assert Job.objects.get(pk="late").state == "PENDING"


def test_a_new_job_waits_where_the_window_is_full(app: object) -> None:
    join()
    full = [
        inserting.insert_bound(place(), Draft(id=str(number), topic=TOPIC, queue="default"))
        for number in range(Instance.objects.get(pk=HERE).window + 2)
    ]

    assert [len(bound) for _, bound in full][-3:] == [1, 0, 0]
    assert Draft(id="x", topic=TOPIC, queue="default").lane == LANE


def test_a_known_id_is_not_stored_again(app: object) -> None:
    join()
    draft = Draft(id="once", topic=TOPIC, queue="default")
    inserting.insert_bound(place(), draft)

    assert inserting.insert_bound(place(), draft) == (False, [])
    assert Job.objects.get(pk="once").epoch == 1


def test_two_parts_of_a_statement_cannot_mean_two_things_by_one_name() -> None:
    assert named({"state": "PENDING", "id": "a"}, {"id": "a"}) == {"state": "PENDING", "id": "a"}
    with pytest.raises(ValueError, match=r"different values for \['id'\]"):
        named({"state": "PENDING", "id": "a"}, {"id": "b"})

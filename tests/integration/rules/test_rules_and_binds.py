"""A rule and a binding at the same moment: once the rule is written, nothing begins against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from offload.core.placement.lanes import Lane
from offload.db import database
from offload.dispatch import dispatching
from offload.fleet import membership
from offload.fleet.snapshots import snapshot
from offload.models import Instance, Job, Queue, Rule, Switch
from offload.models.versions import lock_version
from offload.queues import policies
from offload.rules import editing, enforcement, switching
from offload.signals import alarm
from offload.tracking import claiming
from offload.tracking.binding import slots
from offload.tracking.binding.bindings import bind
from offload.tracking.binding.inserting import insert_bound
from offload.tracking.drafts import Draft
from tests.databases import on_postgresql
from tests.integration.beside import Beside, together
from tests.integration.world import (
    HERE,
    LANE,
    THERE,
    TOPIC,
    announcement,
    bound,
    join,
    key_of,
    place,
    states,
    waiting,
)
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def _instances(app: object) -> None:
    join(HERE, labels=["gpu"])
    join(THERE)


def _admin() -> None:
    with database.atomic():
        Rule.objects.create(verb="deny", scope="instance", target=HERE, pattern="**")
        enforcement.enforce()


def _admin_off() -> None:
    with database.atomic():
        Switch.objects.create(instance=HERE)
        enforcement.enforce()


RESTRICTING: dict[str, Callable[[], Any]] = {
    "deny": lambda: editing.deny(HERE, TOPIC),
    "deny for a glob": lambda: editing.deny("*@gpu1", "dam/**", scope="glob"),
    "deny for a label": lambda: editing.deny("gpu", "**", scope="label"),
    "allow of something else": lambda: editing.allow(HERE, "dam/meta"),
    "exclusive": lambda: editing.exclusive(HERE, ["dam/meta"]),
    "off": lambda: switching.switch(HERE, off=True),
    "a row of the admin": _admin,
    "off in the admin": _admin_off,
}


@on_postgresql
@pytest.mark.parametrize("restrict", RESTRICTING.values(), ids=RESTRICTING)
def test_a_rule_takes_back_what_was_being_bound_while_it_was_written(
    restrict: Callable[[], Any],
) -> None:
    [job_id] = waiting()

    with database.atomic():
        [job] = bind(place(), [LANE], limit=1)
        rule = Beside(restrict)
        eventually(rule.waits_or_has_ended)
    rule.end()

    assert states([job_id]) == ["PENDING"]
    assert claiming.claim(key_of(job)) is None


@on_postgresql
def test_so_does_the_rest_of_an_allow_list_that_is_made_shorter() -> None:
    editing.exclusive(HERE, [TOPIC, "dam/meta"])
    [job_id] = waiting()

    with database.atomic():
        bind(place(), [LANE], limit=1)
        rule = Beside(lambda: editing.clear(HERE, TOPIC))
        eventually(rule.waits_or_has_ended)
    rule.end()

    assert states([job_id]) == ["PENDING"]


@on_postgresql
def test_a_rule_takes_back_what_was_being_bound_as_it_was_stored() -> None:
    draft = Draft(id="new", topic=TOPIC)

    with database.atomic():
        assert insert_bound(place(), draft)[1]
        rule = Beside(lambda: editing.deny(HERE, "**"))
        eventually(rule.waits_or_has_ended)
    rule.end()

    assert states(["new"]) == ["PENDING"]


@on_postgresql
def test_where_a_rule_is_being_written_nothing_is_bound_and_elsewhere_it_is() -> None:
    waiting(2)
    here, there = place(), place(THERE)

    with database.atomic():
        editing.deny(HERE, "**")
        [at_here] = together([lambda: bind(here, [LANE], limit=1)])
        [at_there] = together([lambda: bind(there, [LANE], limit=1)])

    assert [at_here, len(at_there)] == [[], 1]
    assert bind(here, [LANE], limit=1) == []


QUEUES: dict[str, dict[str, Any]] = {
    "suspended": {"suspended": True},
    "limited": {"max_parallel": 1},
    "ordered": {"type": "ordered"},
}


@on_postgresql
@pytest.mark.parametrize("options", QUEUES.values(), ids=QUEUES)
@pytest.mark.parametrize("is_new", [True, False], ids=["new", "changed"])
def test_a_queue_takes_back_what_was_being_bound_while_it_got_its_options(
    options: dict[str, Any], is_new: bool
) -> None:
    queue = Queue(name="narrow", topics=["dam/**"])
    if not is_new:
        policies.save(queue)
    for name, value in options.items():
        setattr(queue, name, value)
    ids = waiting(3, queue="narrow")
    left = 0 if queue.suspended else 1

    with database.atomic():
        bind(place(), [Lane(queue="narrow", topic=TOPIC)], limit=3)
        change = Beside(lambda: policies.save(queue))
        eventually(change.waits_or_has_ended)
    change.end()

    assert sorted(states(ids)) == ["PENDING"] * (3 - left) + ["QUEUED"] * left


@on_postgresql
def test_a_binding_that_stands_still_holds_no_rule_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "SLOT_LOCK_TIMEOUT", "50ms")
    told: list[dict[str, Any]] = []

    def tell(**facts: Any) -> None:
        told.append(facts)

    alarm.connect(tell)
    queued = bound(name=THERE)[0]
    waiting()

    with database.atomic():
        bind(place(), [LANE], limit=1)
        rule = Beside(lambda: editing.deny("*", "**", scope="glob"))
        rule.end()
        assert states([queued.id]) == ["PENDING"]

    assert [HERE in one["fact"] and THERE not in one["fact"] for one in told] == [True]


@on_postgresql
def test_how_long_a_rule_waits_is_not_how_long_its_caller_does() -> None:
    with database.atomic():
        database.rows("SELECT set_config('lock_timeout', '7s', true)")
        editing.deny(HERE, "**")
        assert database.rows("SELECT current_setting('lock_timeout')") == [("7s",)]


@on_postgresql
def test_an_instance_that_joins_and_a_rule_for_it_do_not_wait_for_each_other() -> None:
    """Both lock the version and the slot row: in one order, or one would have to give way."""
    Instance.objects.filter(pk=THERE).update(pid_started="long ago")
    tries: list[int] = []

    def again() -> None:
        tries.append(1)
        assert membership.join.__wrapped__(announcement(THERE))  # type: ignore[attr-defined]

    with database.atomic():
        lock_version()
        joining = Beside(again)
        eventually(joining.waits_or_has_ended)
        editing.deny(THERE, "**")
    joining.end()

    assert tries == [1]


@on_postgresql
def test_rules_and_bindings_in_a_crowd_leave_nothing_where_it_is_denied() -> None:
    ids = waiting(300)

    def write() -> None:
        for _ in range(15):
            editing.deny(HERE, "**")
            assert not Job.objects.filter(state="QUEUED", instance=HERE).exists()
            editing.clear(HERE, "**")

    def fill() -> None:
        for _ in range(60):
            dispatching.refill(HERE)
            snapshot(fresh=True)

    together([write, fill, fill, fill])

    assert len(states(ids)) == 300

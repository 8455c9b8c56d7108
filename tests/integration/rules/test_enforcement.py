"""Rules act at once: the unstarted jobs they forbid are taken back with the rule itself."""

from __future__ import annotations

import pytest

from offload.core.exceptions import UnknownInstance
from offload.dispatch import dispatching
from offload.fleet.snapshots import snapshot
from offload.models import Instance, Rule, Switch
from offload.models.versions import current_version
from offload.rules import editing, enforcement, switching
from tests.integration.rules.runnable import runs
from tests.integration.world import (
    HERE,
    THERE,
    TOPIC,
    bound,
    join,
    place,
    row,
    running,
    states,
    waiting,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _instances(app: object) -> None:
    join(HERE, labels=["gpu"])
    join(THERE)


def test_a_deny_takes_back_what_has_not_begun_there_and_leaves_the_rest() -> None:
    run, queued = running(), bound()[0]
    elsewhere, other = bound(name=THERE)[0], bound(topic="dam/meta")[0]
    before = current_version()

    editing.deny(HERE, "dam/rendition/*", note="broken fan")

    assert states([queued.id, run.id, elsewhere.id, other.id]) == [
        "PENDING", "ACTIVE", "QUEUED", "QUEUED",
    ]  # fmt: skip
    assert current_version() > before
    assert runs() == [THERE]


def test_a_rule_and_its_recall_happen_together_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = bound()[0]
    before = current_version()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no recall")

    monkeypatch.setattr("offload.tracking.requeue.recall_from", fail)
    with pytest.raises(RuntimeError):
        editing.deny(HERE, "**")

    assert not Rule.objects.exists()
    assert current_version() == before
    assert row(job.id).state == "QUEUED"


def test_an_instance_with_an_allow_rule_may_do_nothing_else() -> None:
    job = bound()[0]

    editing.allow(HERE, "dam/meta")

    assert row(job.id).state == "PENDING"
    assert runs() == [THERE]
    assert runs("dam/meta") == [HERE, THERE]


def test_clearing_a_rule_lets_its_jobs_run_again() -> None:
    editing.deny(HERE, "**")
    editing.deny(THERE, "**")
    assert runs() == []

    waiting(9)

    assert editing.clear(HERE, "**").count == 1
    assert editing.clear(HERE, "**").count == 0

    snapshot(fresh=True)
    assert dispatching.sweep() == place().window


def test_an_instance_is_switched_off_and_on_as_a_whole() -> None:
    run, queued = running(), bound()[0]

    switching.switch(HERE, off=True, note="being moved")

    assert states([run.id, queued.id]) == ["ACTIVE", "PENDING"]
    assert Switch.objects.get().note == "being moved"
    assert runs() == [THERE]

    switching.switch(HERE, off=False)

    assert not Switch.objects.exists()
    assert HERE in runs()


def test_an_instance_that_nobody_knows_cannot_be_switched() -> None:
    with pytest.raises(UnknownInstance):
        switching.switch("nobody@nowhere", off=True)


def test_an_instance_gives_back_what_rules_forbid_and_announces_them() -> None:
    queued, other = bound()[0], bound(topic="dam/meta")[0]
    Rule.objects.create(verb="deny", scope="instance", target=HERE, pattern=TOPIC)

    enforcement.apply(HERE, place().incarnation, snapshot(fresh=True))

    assert states([queued.id, other.id]) == ["PENDING", "QUEUED"]
    applied = Instance.objects.get(pk=HERE).applied
    assert applied == {"version": current_version(), "off": False, "rules": [["deny", TOPIC, None]]}


def test_an_instance_that_drains_gives_back_what_has_not_begun() -> None:
    run, queued = running(), bound()[0]

    assert enforcement.give_back_unstarted(HERE, place().incarnation) == 1

    assert states([run.id, queued.id]) == ["ACTIVE", "PENDING"]

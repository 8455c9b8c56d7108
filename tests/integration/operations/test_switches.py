"""Instances switched off and on: previewed, applied, and recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offload.core.exceptions import InvalidRule, OffloadError, UnknownInstance
from offload.core.placement.comparison import Permission
from offload.db import database
from offload.models import Switch
from offload.models.change_records import Entrance
from offload.models.versions import current_version
from offload.operations.changes.actors import Actor
from offload.operations.changes.switches import SwitchOff, SwitchOn
from tests.integration.world import HERE, THERE, TOPIC, bound, join, states, waiting

if TYPE_CHECKING:
    from offload.operations.changes.change import Change
    from offload.operations.changes.change_outcomes import Outcome

ANNA = Actor(name="anna@desk", entrance=Entrance.TERMINAL)
BEYOND = "x" * 256


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def test_a_preview_says_what_an_instance_that_is_off_leaves_behind_and_changes_nothing() -> None:
    ids = [job.id for job in bound(2)]
    waiting(3)
    before = current_version()

    found = SwitchOff(instance=HERE, note="disk").preview()

    assert found.outcome.recalled == 2
    assert found.permissions.closed == (
        Permission(HERE, "dam/**"),
        Permission(HERE, TOPIC),
    )
    assert found.permissions.stranded == ("dam/**", TOPIC)
    assert found.waiting == 3
    assert states(ids) == ["QUEUED", "QUEUED"]
    assert not Switch.objects.exists()
    assert current_version() == before


def test_another_that_may_run_it_leaves_nothing_stranded() -> None:
    join(THERE)

    found = SwitchOff(instance=HERE).preview()

    assert found.permissions.stranded == ()


def test_applied_it_comes_to_what_the_preview_said() -> None:
    ids = [job.id for job in bound(2)]
    off, on = SwitchOff(instance=HERE, note="disk"), SwitchOn(instance=HERE)
    expected = off.preview().outcome

    outcome = off.apply(ANNA)

    assert outcome == expected
    assert outcome.sentence == f"Switched {HERE} off: disk."
    assert states(ids) == ["PENDING", "PENDING"]
    assert Switch.objects.get().note == "disk"
    assert {one.instance for one in on.preview().permissions.opened} == {HERE}
    assert on.apply(ANNA).sentence == f"Switched {HERE} on."
    assert not Switch.objects.exists()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (SwitchOff(instance=THERE), UnknownInstance),
        (SwitchOn(instance=THERE), UnknownInstance),
        (SwitchOff(instance=HERE, note=BEYOND), InvalidRule),
        (SwitchOff(instance="\0"), InvalidRule),
    ],
    ids=["unknown", "unknown on", "note", "NUL"],
)
def test_a_preview_is_refused_in_the_words_of_the_change(
    change: Change[Outcome], kind: type[OffloadError]
) -> None:
    with pytest.raises(kind) as previewed:
        change.preview()
    with pytest.raises(kind) as applied:
        change.apply(ANNA)

    assert str(previewed.value) == str(applied.value)
    assert not Switch.objects.exists()


def test_a_preview_within_a_transaction_undoes_itself_alone() -> None:
    with database.atomic():
        SwitchOff(instance=HERE).apply(ANNA)
        SwitchOn(instance=HERE).preview()

    assert Switch.objects.get().pk == HERE

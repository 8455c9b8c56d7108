"""Runs that are claimed together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from offload.jobs.groups import group_beginnings, group_endings
from offload.tracking import claiming
from offload.tracking.selectors import Holder
from tests.integration.world import FACTS, HERE, Running, bound, key_of, place

if TYPE_CHECKING:
    from offload.core.outcomes import PreparedEnd

FACTS_OF_ALL = replace(FACTS, reruns=True)


def holder() -> Holder:
    """Return the present incarnation of the instance."""
    return Holder(instance=HERE, incarnation=place().incarnation)


def begun(count: int) -> list[Running]:
    """Return runs that were claimed together."""
    asked = {key_of(job): FACTS_OF_ALL for job in bound(count)}
    rows = group_beginnings.begin_all(asked, holder())
    assert list(rows) == list(asked)
    return [Running(key=key, claimed=claiming.read(found)) for key, found in rows.items()]


def prepared(run: Running, value: object = None) -> PreparedEnd:
    """Return the end of a run for a group."""
    end = group_endings.prepared(run.ending, value)
    assert end is not None
    return end

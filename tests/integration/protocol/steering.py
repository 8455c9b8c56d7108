"""Steps of the leader, of people, and of instances that come and go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db.models.functions import Now

from offload.db import database
from offload.fleet import departures, leadership
from offload.fleet.leadership import NotLeader, Term
from offload.jobs import stopping
from offload.models import Instance, Lease
from offload.rules import editing
from tests.integration.protocol.stage import refused
from tests.integration.protocol.stand_ins import ID, TOPIC

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.protocol.schedules import Act
    from tests.integration.protocol.stage import Stage
    from tests.unit.protocol.model import World


def declare_gone(stage: Stage, act: Act) -> None:
    """Declare an instance gone, which moves what is bound to it."""
    worker = stage.worker(act)
    beat = Instance.objects.get(pk=worker.name).beat
    _lead(
        stage,
        act.before,
        lambda term: departures.declare_gone(term, worker.name, worker.incarnation, beat),
    )


def move(stage: Stage, act: Act) -> None:
    """Move what is bound to nobody who lives."""
    _lead(stage, act.before, departures.move)


def _lead(stage: Stage, world: World, duty: Callable[[Term], object]) -> None:
    """Do a duty as the leader; the same under a term that is over changes nothing."""
    term = _term(stage, world)
    with refused(), pytest.raises(NotLeader):
        duty(replace(term, number=term.number - 1))
    duty(term)


def _term(stage: Stage, world: World) -> Term:
    """Return the term of an instance that is awake, once the one before is over."""
    awake = [one for one in stage.workers if world.instances[one.number].awake]
    leader = min(awake, key=lambda one: world.instances[one.number].gone)
    term = leadership.acquire(leader.name, leader.incarnation)
    if term is None:
        Lease.objects.update(expires_at=Now() - timedelta(hours=1))
        term = leadership.acquire(leader.name, leader.incarnation)
    assert term is not None
    return term


def stop(stage: Stage, act: Act) -> None:
    """Ask for the job to stop."""
    assert stopping.stop(ID) == act.after.job.state


def deny(stage: Stage, act: Act) -> None:
    """Deny the job on an instance."""
    editing.deny(stage.worker(act).name, TOPIC)


def clear(stage: Stage, act: Act) -> None:
    """Clear that rule."""
    assert editing.clear(stage.worker(act).name, TOPIC).count == 1


def again(stage: Stage, act: Act) -> None:
    """Send the job again under its id."""
    stage.submit()


def boot(stage: Stage, act: Act) -> None:
    """Start a worker anew."""
    stage.worker(act).boot()


def come_back(stage: Stage, act: Act) -> None:
    """Let a worker find itself gone."""
    stage.worker(act).come_back()


def lose_database(stage: Stage, act: Act) -> None:
    """Take the connection away; nothing of the next steps needs it until it is back."""
    database.connection().close()

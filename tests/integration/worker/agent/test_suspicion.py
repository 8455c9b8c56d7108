"""An agent finds out whether messages arrive, and what it does about a trouble is announced."""

from __future__ import annotations

from typing import Any

import pytest

from offload.conf import settings
from offload.core.placement.instance_conditions import MODE_OF_TROUBLE, Trouble
from offload.core.placement.topology import Mode
from offload.fleet import membership
from offload.models import Instance
from offload.worker.agent.suspicion import Suspicion
from offload.worker.reports import Report
from tests.clocks import Clock
from tests.integration.world import HERE, THERE, bound, join, row


class Pulse:
    """Stands in the place of the heartbeat, and announces at once."""

    def __init__(self) -> None:
        """Begin without trouble."""
        self.incarnation = join(HERE)
        self.is_deaf = False
        self.trouble: Trouble | None = None

    def look_again(self) -> None:
        """Announce."""
        self.announce(Trouble.MESSAGES if self.is_deaf else None)

    def announce(self, trouble: Trouble | None) -> None:
        """Announce a trouble, or that there is none."""
        self.trouble = trouble
        mode = MODE_OF_TROUBLE[trouble] if trouble else Mode.READY
        membership.set_mode(HERE, self.incarnation, mode, trouble=trouble)


class Watched:
    """A suspicion, the probes it sent, and how often the consumer was told to start anew."""

    def __init__(self) -> None:
        """Send probes to nobody."""
        self.clock, self.pulse = Clock(), Pulse()
        self.sent: list[int] = []
        self.told: list[str] = []
        heart: Any = self.pulse
        self.it = Suspicion(HERE, heart, self.told.append, self.clock, self.send)

    def send(self, _: str, number: int) -> bool:
        """Note a probe."""
        self.sent.append(number)
        return True

    def look(self, *, after: float = 0.0, is_missing: bool = False, **report: Any) -> None:
        """Look once, some time later, with such a report."""
        self.clock.go_on(after)
        self.it.act()
        self.it.listen(Report(mode=Mode.READY, **report), is_missing=is_missing)


@pytest.fixture
def watched(app: object) -> Watched:
    """Return the suspicion of an instance that is ready, beside another one."""
    join(THERE)
    return Watched()


def test_a_probe_that_arrives_clears_an_instance_whose_job_did_not(watched: Watched) -> None:
    watched.look(is_missing=True)
    watched.look(probe=watched.sent[0])
    watched.look(after=settings().timeout + 1, probe=watched.sent[0])

    assert len(watched.sent) == 1
    assert watched.pulse.trouble is None


def test_an_instance_that_no_probe_reaches_gives_back_and_is_told_until_one_does(
    watched: Watched,
) -> None:
    jobs = bound(2)
    watched.look(is_missing=True)
    for _ in range(4):
        watched.look(after=settings().timeout + 0.1)

    assert {row(one.id).state for one in jobs} == {"PENDING"}
    assert len(watched.told) == 2
    done = "2 unstarted jobs were given back. Its consumer was told to start anew, 2 times."
    assert Instance.objects.get(pk=HERE).remedy == done

    # The new connection brings the last of the probes.
    watched.look(connections=1)
    watched.look(connections=1, probe=watched.sent[-1])
    assert watched.pulse.trouble is None
    assert Instance.objects.get(pk=HERE).remedy == ""


def test_a_probe_of_an_earlier_agent_proves_nothing(watched: Watched) -> None:
    watched.look(is_missing=True, probe=7)
    watched.look(after=settings().timeout + 1, probe=7)

    assert watched.pulse.trouble is Trouble.MESSAGES


def test_a_loop_that_stands_still_is_told_once_and_a_lost_broker_never(watched: Watched) -> None:
    for trouble in (Trouble.LOOP, Trouble.BROKER):
        watched.pulse.announce(trouble)
        for _ in range(3):
            watched.look(after=100)

    assert len(watched.told) == 1

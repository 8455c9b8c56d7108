"""One line per instance and per topic, the same for pages, commands and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.placement.topology import Mode

if TYPE_CHECKING:
    from datetime import datetime

    from offload.core.placement.topology import Consumer


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceLine:
    """One instance, as it is now."""

    name: str
    mode: Mode
    #: Switched off as a whole by an operator.
    is_off: bool
    #: Why it was switched off.
    off_note: str
    #: By the database's clock.
    beat_age_seconds: float
    #: Jobs it runs at once.
    concurrency: int
    #: Jobs it may hold at once.
    window: int
    #: Jobs it runs.
    running: int
    #: Jobs that are bound to it and not begun.
    bound: int
    consumers: tuple[Consumer, ...]
    is_leader: bool
    #: It acts by other rules than those there are.
    is_behind: bool
    #: It is taken to be here, and has not beat for so long that it cannot be.
    is_silent: bool
    #: It went lately without a goodbye.
    has_died: bool
    #: Its place in the order of joining.
    joined: int
    cluster: str
    labels: tuple[str, ...]
    host: str
    pid: int
    started_at: datetime
    beat_at: datetime
    #: Why it is gone; empty while it is here.
    gone_because: str

    @property
    def held(self) -> int:
        """Return how many jobs occupy its window: those it runs, and those bound to it."""
        return self.running + self.bound

    @property
    def is_gone(self) -> bool:
        """Tell whether it said goodbye or was declared gone."""
        return self.mode is Mode.GONE

    @property
    def has_problem(self) -> bool:
        """Tell whether it takes no work, or other work than is desired."""
        return not self.takes_work or self.is_behind

    @property
    def takes_work(self) -> bool:
        """Tell whether jobs are bound to it."""
        return self.mode is Mode.READY and not self.is_off and not self.is_silent


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicLine:
    """One topic, or one pattern that an instance consumes."""

    topic: str
    #: Jobs that wait for an instance or for their time.
    waiting: int
    #: Jobs that are bound and not begun.
    bound: int
    #: Jobs that run.
    active: int
    #: Instances that can and may run it, whether they have room or not.
    can_run: int
    #: Those of the waiting jobs whose time has not come: delayed, or before a retry.
    later: int = 0
    #: Those of them that wait for a retry.
    retrying: int = 0
    #: Seconds until the first of them is due; None where there is none.
    due_in: float | None = None

    @property
    def due(self) -> int:
        """Return how many jobs wait for an instance now."""
        return self.waiting - self.later

    @property
    def is_stranded(self) -> bool:
        """Tell whether jobs wait for an instance now, and none can run them."""
        return self.due > 0 and not self.can_run

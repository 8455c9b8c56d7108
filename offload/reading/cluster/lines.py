"""Lines about instances and topics, the same for pages, commands and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.timezone import localtime

from offload.core.placement.instance_conditions import Condition, Trouble, condition, suspicion
from offload.core.placement.judgement import noted
from offload.core.placement.topology import Mode
from offload.core.texts import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from offload.core.matching.consumers import Consumer
    from offload.core.placement.instance_conditions import SwitchFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceLine:
    """One instance, as it is now."""

    name: str
    mode: Mode
    #: Since when it is in its mode.
    mode_at: datetime | None
    #: Why it is suspect, as it announced it: a ``Trouble``, or empty.
    trouble: str
    #: The remedy of its trouble, as sentences.
    remedy: str
    #: Switched off as a whole by an operator.
    is_off: bool
    #: Why it was switched off.
    off_note: str
    #: Since when, until when, by whom, and whether it is drained; None if it is not off.
    switch: SwitchFacts | None
    #: By the database's clock.
    beat_age_seconds: float
    #: The number of jobs that it runs at once.
    concurrency: int
    #: The number of jobs that it may hold.
    window: int
    #: The number of jobs that it is running.
    running: int
    #: The number of jobs that are bound to it and have not begun.
    bound: int
    consumers: tuple[Consumer, ...]
    is_leader: bool
    #: Whether it has not applied the current rules.
    is_behind: bool
    #: Whether it counts as live, but its last heartbeat is too old for that.
    is_silent: bool
    #: Whether it recently left without saying goodbye.
    has_died: bool
    #: It was shut down in order.
    said_goodbye: bool
    #: Its place in the order of joining.
    joined: int
    cluster: str
    labels: tuple[str, ...]
    #: As it announced them: numbers, texts, True, False or None.
    properties: Mapping[str, Any]
    #: Why properties are not renewed, by their names: their functions raise or hang.
    failing_properties: Mapping[str, str]
    host: str
    pid: int
    started_at: datetime
    beat_at: datetime
    #: Why it is gone; empty while it lives.
    gone_because: str

    @property
    def held(self) -> int:
        """Return how many jobs occupy its window, running and bound."""
        return self.running + self.bound

    @property
    def is_gone(self) -> bool:
        """Tell whether it said goodbye or was declared gone."""
        return self.mode is Mode.GONE

    @property
    def has_problem(self) -> bool:
        """Tell whether it died, takes no work, or follows outdated rules."""
        if self.is_gone:
            return not self.said_goodbye
        return not self.takes_work or self.is_behind

    @property
    def condition(self) -> Condition:
        """Return the word for its present doings."""
        return condition(
            self.mode,
            is_off=self.is_off,
            drains=self.drains,
            is_silent=self.is_silent,
            is_full=self.running >= self.concurrency,
        )

    @property
    def drains(self) -> bool:
        """Tell whether a person drains it."""
        return self.switch is not None and self.switch.drains

    @property
    def off_reason(self) -> str:
        """Return a sentence about the switch: since when, until when, by whom and why; or ""."""
        if self.switch is None:
            return ""
        return noted(" ".join(self._switch_words(self.switch)), self.off_note)

    def _switch_words(self, switch: SwitchFacts) -> Iterator[str]:
        yield f"{self.name} {'is drained' if switch.drains else 'is switched off'}"
        if switch.since:
            yield f"since {_moment(switch.since)}"
        if switch.by:
            yield f"by {switch.by}"
        if switch.until:
            yield f"until {_moment(switch.until)}"
        if switch.drains:
            runs = counted(self.running, "run is left", "runs are left")
            yield f"({runs if self.held else 'it is empty'}{self._give_back(switch)})"

    def _give_back(self, switch: SwitchFacts) -> str:
        if not self.running or switch.give_back_at is None:
            return ""
        return f"; given back at {_moment(switch.give_back_at)}"

    @property
    def suspected_of(self) -> str:
        """Return its trouble, if it is suspect; else nothing."""
        if self.condition is not Condition.SUSPECT:
            return ""
        return Trouble.SILENT if self.is_silent else self.trouble

    @property
    def suspicion(self) -> str:
        """Return a sentence with cause, time and remedy if it is suspect; else nothing."""
        if self.condition is not Condition.SUSPECT:
            return ""
        since = localtime(self.beat_at if self.is_silent else self.mode_at)
        done = "" if self.is_silent else self.remedy
        return suspicion(self.name, self.suspected_of, self.mode, since=since, remedy=done)

    @property
    def takes_work(self) -> bool:
        """Tell whether jobs are bound to it."""
        return self.mode is Mode.READY and not self.is_off and not self.is_silent


def _moment(value: datetime) -> str:
    return f"{localtime(value):%Y-%m-%d %H:%M:%S}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicLine:
    """One topic, or one pattern that an instance consumes."""

    topic: str
    #: The number of jobs that wait for an instance or for their time.
    waiting: int
    #: The number of jobs that are bound and have not begun.
    bound: int
    #: The number of running jobs.
    active: int
    #: The number of instances that can and may run it, with room or without.
    can_run: int
    #: The number of waiting jobs that are not due yet: delayed, or before a retry.
    later: int = 0
    #: The number of these that wait for a retry.
    retrying: int = 0
    #: Seconds until the first of these is due; None if there is none.
    due_in: float | None = None

    @property
    def due(self) -> int:
        """Return how many jobs wait for an instance now."""
        return self.waiting - self.later

    @property
    def is_stranded(self) -> bool:
        """Tell whether jobs wait for an instance now and none can run them."""
        return self.due > 0 and not self.can_run

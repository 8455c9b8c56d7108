"""The condition of an instance as an operator understands it, its switch, and its troubles."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from offload.core.placement.topology import Mode
from offload.core.states import Explained

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Condition(Explained):
    """A word for what an instance does now."""

    STARTING = "starting", "It announced itself, and does not take work yet."
    READY = "ready", "It takes work, and has a free process."
    BUSY = "busy", "It takes work, and each of its processes has some."
    DRAINING = "draining", "It finishes what runs, and takes nothing new."
    OFF = "off", "A person switched it off."
    SUSPECT = "suspect", "It announces itself and does not do its work, or it is silent."
    GONE = "gone", "It was shut down, or is lost."


class Trouble(Explained):
    """Why an instance is suspect."""

    LOOP = "loop", "its consumer's loop stands still"
    MESSAGES = "messages", "messages that are sent to it do not arrive"
    BROKER = "broker", "its connection to the broker is lost"
    SILENT = "silent", "it gives no sign of life"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchFacts:
    """The facts of a switch; times are by the database's clock."""

    # Whether it is off to be emptied, so that people watch what is left.
    drains: bool = False
    since: datetime | None = None
    # The time at which it ends by itself.
    until: datetime | None = None
    # The time at which runs that are left are given back; None lets them finish.
    give_back_at: datetime | None = None
    # The person who made it.
    by: str = ""

    @property
    def words(self) -> str:
        """Return the words for it, after the name of the instance."""
        what = "is drained" if self.drains else "is switched off"
        return f"{what} until {self.until:%Y-%m-%d %H:%M %Z}".rstrip() if self.until else what

    def gives_back(self, now: datetime) -> bool:
        """Tell whether runs that are left are given back by now."""
        return self.give_back_at is not None and now >= self.give_back_at

    def has_ended(self, now: datetime) -> bool:
        """Tell whether it has ended by itself."""
        return self.until is not None and now >= self.until


# The mode that an instance announces with its trouble.
MODE_OF_TROUBLE: Mapping[Trouble, Mode] = MappingProxyType(
    {
        Trouble.LOOP: Mode.SUSPECT,
        Trouble.MESSAGES: Mode.SUSPECT,
        Trouble.BROKER: Mode.RECONNECTING,
    }
)
_OF_MODE: Mapping[Mode, Condition] = MappingProxyType(
    {
        Mode.STARTING: Condition.STARTING,
        Mode.READY: Condition.READY,
        Mode.DRAINING: Condition.DRAINING,
        Mode.RECONNECTING: Condition.SUSPECT,
        Mode.SUSPECT: Condition.SUSPECT,
        Mode.GONE: Condition.GONE,
    }
)


def condition(
    mode: Mode,
    *,
    is_off: bool = False,
    drains: bool = False,
    is_silent: bool = False,
    is_full: bool = False,
) -> Condition:
    """Return the condition of an instance.

    `is_off` says that a person switched it off, and `drains` to empty it; `is_silent` says that its
    heartbeat is late, and `is_full` that no process of it is free.
    """
    found = _OF_MODE[mode]
    if found is Condition.GONE:
        return found
    if is_silent or found is Condition.SUSPECT:
        return Condition.SUSPECT
    if is_off:
        return Condition.DRAINING if drains else Condition.OFF
    return Condition.BUSY if found is Condition.READY and is_full else found


def trouble_of(mode: Mode, *, still_for: float, most: float, is_deaf: bool) -> Trouble | None:
    """Return the trouble of a worker that reports this mode, or None.

    `still_for` are the seconds since its loop last ticked, of which `most` are usual. `is_deaf`
    says that messages to it do not arrive.
    """
    if mode not in {Mode.READY, Mode.RECONNECTING}:
        return None
    if mode is Mode.READY and still_for > most:
        return Trouble.LOOP
    if is_deaf:
        return Trouble.MESSAGES
    return Trouble.BROKER if mode is Mode.RECONNECTING else None


def suspicion(
    name: str, trouble: str, mode: Mode, *, since: datetime | None = None, remedy: str = ""
) -> str:
    """Return a sentence about a suspect instance: its trouble, since when, and what was done.

    Older code announces no trouble.
    """
    when = f" since {since:%Y-%m-%d %H:%M:%S %Z}".rstrip() if since else ""
    done = f" {remedy}" if remedy else ""
    return f"{name} is suspect{when}: {_cause(trouble, mode)}.{done}"


def _cause(trouble: str, mode: Mode) -> str:
    if trouble in set(Trouble):
        return Trouble(trouble).sentence
    return Trouble.BROKER.sentence if mode is Mode.RECONNECTING else "it does not answer"

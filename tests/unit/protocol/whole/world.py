"""The values of the model: rows on both sides, and messages between them."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

#: What a message is, the epoch at home that it is of, and what a report tells.
Message: TypeAlias = "tuple[str, int, str]"


class There(NamedTuple):
    """A run at the peer."""

    epoch: int
    #: Steps that have begun, and whether the last one still runs.
    begun: int = 0
    runs: bool = False
    stopped: bool = False
    over: bool = False


class World(NamedTuple):
    """Committed rows on both sides, and what is on its way."""

    #: The placeholder: PENDING, BOUND or FINAL; and how often the run at home has ended.
    home: str = "PENDING"
    epoch: int = 0
    ends: int = 0
    stop: bool = False
    #: The epoch whose withdrawal is sent, and the highest one that was acknowledged.
    withdrawn: int = 0
    accepted: int = 0
    silent: bool = False
    cut: bool = False
    #: Whether the peer may begin something.
    lease: bool = True
    #: The clone: its epoch, QUEUED, ACTIVE, HANDED or FINAL, what it came to, and the last one
    #: that was answered.
    clone: int = 0
    state: str = ""
    came_to: str = ""
    answered: int = 0
    closed: int = 0
    runs: tuple[There, ...] = ()
    messages: frozenset[Message] = frozenset()
    faults: int = 0
    #: What went wrong.
    wrong: str = ""

    @property
    def is_over(self) -> bool:
        """Return whether the run has ended at home, and nothing of it is left at the peer."""
        return self.home == "FINAL" and all(one.over for one in self.runs)

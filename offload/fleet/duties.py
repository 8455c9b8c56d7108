"""A duty: work that one instance, the leader, repeats for the whole fleet.

Each room declares its own beside the function that does it; ``worker/agent/duties.py`` lists all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.fleet.leadership import Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """A task of the leader, and how often it is due."""

    name: str
    #: Does it once, with the term if it needs one; returns how much it did.
    do: Callable[..., int]
    #: Seconds from one beginning to the next; with 0 it is done at every sweep.
    every: float = 0.0
    #: Whether each of its transactions must check the term (A8), as it decides for others.
    needs_term: bool = False
    #: The most that it does at once; if it did that much, the next sweep does more.
    batch: float = math.inf
    #: Whether it keeps its pace in a thread of its own: a sweep that waits for the database, or for
    #: other duties, does not delay it.
    is_paced: bool = False

    def run(self, term: Term) -> int:
        """Do it once; return how much it did."""
        return self.do(term) if self.needs_term else self.do()

    def is_due(self, *, age: float, count: int) -> bool:
        """Return whether it is due again, ``age`` seconds after a time when it did ``count``."""
        return age >= self.every or count >= self.batch

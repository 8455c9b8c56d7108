"""A duty: work that one instance, the leader, repeats for the whole fleet.

Each room declares its own beside the function that does it; ``leader/duties.py`` lists them all.
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
    """Work of the leader, and how often it is to be done."""

    name: str
    #: Does it once, with the term if it needs one; returns how much there was to do.
    do: Callable[..., int]
    #: Seconds from one beginning to the next; with 0 it is done at every sweep.
    every: float = 0.0
    #: Whether it judges for others: each of its transactions begins under the term (A8).
    needs_term: bool = False
    #: The most that is done at once: where there was that much, the next sweep does more.
    batch: float = math.inf

    def run(self, term: Term) -> int:
        """Do it once; return how much there was to do."""
        return self.do(term) if self.needs_term else self.do()

    def is_due(self, *, age: float, count: int) -> bool:
        """Return whether it is to be done again, ``age`` seconds after a time it did ``count``."""
        return age >= self.every or count >= self.batch

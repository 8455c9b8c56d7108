"""The outcomes of changes of rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offload.models import Rule
    from offload.rules.effects import Overruled


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusive:
    """A new allow list, and the other rules that change its effect."""

    rules: tuple[Rule, ...]
    #: Other allows of the instance's own, which are gone.
    removed: tuple[Rule, ...]
    #: Allows for a glob or a label that let the instance run more than the list.
    widened_by: tuple[Rule, ...]
    #: Denies, of any scope, that keep it from a part of the list.
    narrowed_by: tuple[Rule, ...]
    #: Denies that the list lifted.
    lifted: Overruled
    #: Jobs that were taken back.
    recalled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRules:
    """Rules that were written."""

    rules: tuple[Rule, ...]
    #: Denies that the allows lifted.
    lifted: Overruled
    #: Jobs that were taken back.
    recalled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """Rules that were removed."""

    rules: tuple[Rule, ...]
    #: Jobs that were taken back.
    recalled: int
    #: Live instances that lost their last allow, and may now run everything that is not denied.
    opened: tuple[str, ...]

    @property
    def count(self) -> int:
        """Return the number of rules."""
        return len(self.rules)

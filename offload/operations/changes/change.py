"""A change that people ask for: pages and commands preview and apply the same value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from offload.db import database
from offload.db.conflicts import retried
from offload.operations.changes import previewing, recording
from offload.operations.changes.change_outcomes import Outcome

if TYPE_CHECKING:
    from offload.operations.changes.actors import Actor
    from offload.operations.changes.previewing import Preview

OutcomeT = TypeVar("OutcomeT", bound=Outcome)
OutcomeT_co = TypeVar("OutcomeT_co", bound=Outcome, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(ABC, Generic[OutcomeT_co]):
    """A request to change rules, switches or queues."""

    @abstractmethod
    def make(self, by: Actor | None) -> OutcomeT_co:
        """Make the change in the surrounding transaction; raise OffloadError if it is refused."""

    def preview(self) -> Preview[OutcomeT_co]:
        """Return the preview; raise the errors of ``apply``. Nothing is changed."""
        return previewing.preview(lambda: self.make(None))

    def apply(self, by: Actor) -> OutcomeT_co:
        """Make and record the change in one transaction; return its outcome.

        Raise OffloadError, with nothing changed, if it is refused.
        """
        return _applied(self, by)


@retried
def _applied(change: Change[OutcomeT], by: Actor) -> OutcomeT:
    with database.atomic():
        outcome = change.make(by)
        recording.record(by, outcome)
    return outcome

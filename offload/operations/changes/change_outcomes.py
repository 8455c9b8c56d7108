"""The outcome of a change: what was done, to be shown and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a change; in a preview, the one it would have."""

    #: A word for what was done.
    action: str
    #: The change as a sentence.
    sentence: str
    #: Its subjects: the kind and the name of each.
    about: tuple[tuple[str, str], ...]
    #: The rows that Django's log is to name.
    rows: Sequence[Model] = ()
    #: Jobs that had not begun and were taken back.
    recalled: int = 0
    #: The cluster that is asked for it, so that its effects are not known here; "" for the own one.
    asked: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return further facts for people, as sentences."""
        return ()

    @property
    def text(self) -> str:
        """Return all of it, as it is recorded."""
        return " ".join([self.sentence, *self.notes])

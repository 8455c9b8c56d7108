"""Rules and queues that cannot be read: somebody wrote their rows by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from offload.fleet.row_values import UNREADABLE_ROW_ERRORS, patterns_of, rule_of
from offload.models import Queue, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Row = TypeVar("Row")


def rules() -> Iterator[tuple[Rule, Exception]]:
    """Yield the rules that are ignored, each with the error."""
    return _unreadable(Rule.objects.not_ended(), rule_of)


def queues() -> Iterator[tuple[Queue, Exception]]:
    """Yield the queues that match no topic, each with the error."""
    return _unreadable(Queue.objects.all(), patterns_of)


def _unreadable(
    rows: Iterable[Row], read: Callable[[Row], object]
) -> Iterator[tuple[Row, Exception]]:
    for row in rows:
        try:
            read(row)
        except UNREADABLE_ROW_ERRORS as error:
            yield row, error

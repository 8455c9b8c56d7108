"""What must hold of requests in every schedule, and how it looks when it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from tests.unit.protocol.requests.model import State, World

if TYPE_CHECKING:
    from tests.unit.protocol.model import Step


class RequestBroken(StrEnum):
    """A promise about requests that a schedule breaks."""

    TWICE = "a request was applied twice"
    OUT_OF_ORDER = "a request was applied after a newer one of the same instance"
    AGAINST = "a request was applied that the peer does not permit"
    FALSE_ANSWER = "home says of a request what the peer did not do"
    CHANGED = "the end of a request changed"
    REST = "a request cannot get its end any more"


def broken(before: World, step: Step, after: World) -> Iterator[RequestBroken]:
    """Yield every promise that this step breaks."""
    for kind, breaks in _CHECKS.items():
        if breaks(before, after):
            yield kind


def _twice(before: World, after: World) -> bool:
    applied = after.peer.applied
    return len(applied) > len(set(applied))


def _out_of_order(before: World, after: World) -> bool:
    return list(after.peer.applied) != sorted(after.peer.applied)


def _against(before: World, after: World) -> bool:
    return after.against


def _false_answer(before: World, after: World) -> bool:
    return any(
        (one.state == State.APPLIED) != (one.number in after.peer.applied)
        for one in after.rows
        if not one.open
    )


def _changed(before: World, after: World) -> bool:
    return any(not one.open and after.row(one.number) != one for one in before.rows)


Check = Callable[[World, World], bool]

_CHECKS: Mapping[RequestBroken, Check] = MappingProxyType(
    {
        RequestBroken.TWICE: _twice,
        RequestBroken.OUT_OF_ORDER: _out_of_order,
        RequestBroken.AGAINST: _against,
        RequestBroken.FALSE_ANSWER: _false_answer,
        RequestBroken.CHANGED: _changed,
    }
)

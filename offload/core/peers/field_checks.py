"""The fields of messages between clusters: what a value of each must be, whoever wrote it."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from offload.core.exceptions import InvalidResource, InvalidTicket
from offload.core.matching.amounts import Amounts
from offload.core.peers.contents import CloneRefusal, PeerNews, ReportVerdict
from offload.core.peers.rule_requests import RequestAction, RequestOutcome, RequestRefusal
from offload.core.topics import is_topic
from offload.core.transfers.announced_files import parse_all
from offload.core.transfers.moving_files import TOLD_MAX, is_moving
from offload.core.validation.bounds import PRIORITY
from offload.core.validation.ids import is_epoch, is_id, is_storable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from enum import StrEnum

#: Longest name of a cluster or an instance, in characters.
NAME_MAX = 255
#: Largest beat and term, which a column holds.
COUNT_MAX = 2**63 - 1
#: The random key of a request.
KEY = re.compile(r"[0-9a-f]{32}")
#: Most patterns of a request, and its longest text, in characters.
PATTERNS_MAX, TEXT_MAX = 100, 1_000
#: The last moment that a datetime can hold, in seconds.
MOMENT_MAX = 253_000_000_000
#: Longest lease, in seconds.
SECONDS_MAX = 86_400


def is_name(value: object) -> bool:
    """Tell whether a value can be the name of a cluster or an instance."""
    return isinstance(value, str) and 0 < len(value) <= NAME_MAX and is_storable(value)


def _are_files(value: object) -> bool:
    try:
        parse_all(value)
    except InvalidTicket:
        return False
    return True


def _are_amounts(value: object) -> bool:
    try:
        Amounts.of(value)
    except InvalidResource:
        return False
    return True


def _are_moving(value: object) -> bool:
    return isinstance(value, list) and len(value) <= TOLD_MAX and all(map(is_moving, value))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= COUNT_MAX


def _is_seconds(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= SECONDS_MAX


def _is_priority(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in PRIORITY


def _is_text(value: object) -> bool:
    return value == "" or (isinstance(value, str) and len(value) <= TEXT_MAX and is_storable(value))


def _is_moment(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value is None
    return 0 <= value <= MOMENT_MAX


def _are_patterns(value: object) -> bool:
    return isinstance(value, list) and len(value) <= PATTERNS_MAX and all(map(is_name, value))


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_member(of: type[StrEnum]) -> Callable[[object], bool]:
    values = frozenset(one.value for one in of)
    return lambda value: isinstance(value, str) and value in values


ENUMS: Mapping[str, type[StrEnum]] = MappingProxyType(
    {
        "news": PeerNews,
        "reason": CloneRefusal,
        "verdict": ReportVerdict,
        "action": RequestAction,
        "outcome": RequestOutcome,
        "refusal": RequestRefusal,
    }
)

CHECKS: Mapping[str, Callable[[object], bool]] = MappingProxyType(
    {
        "job_id": is_id,
        "epoch": is_epoch,
        "number": is_epoch,
        "topic": lambda value: isinstance(value, str) and is_topic(value),
        "instance": is_name,
        "files": _are_files,
        "others": lambda value: isinstance(value, list) and all(map(is_name, value)),
        "task": lambda value: value == "" or is_name(value),
        "priority": _is_priority,
        "failures": lambda value: value == 0 or is_epoch(value),
        "parent_id": lambda value: value == "" or is_id(value),
        "root_id": lambda value: value == "" or is_id(value),
        "is_limited": _is_flag,
        "is_accepting": _is_flag,
        "stops_runs": _is_flag,
        "is_forced": _is_flag,
        "news": _is_member(PeerNews),
        "reason": lambda value: value is None or is_name(value),
        "verdict": _is_member(ReportVerdict),
        "key": lambda value: isinstance(value, str) and KEY.fullmatch(value) is not None,
        "settled": _is_count,
        "action": _is_member(RequestAction),
        "patterns": _are_patterns,
        "until": _is_moment,
        "note": _is_text,
        "by": is_name,
        "is_withdrawn": _is_flag,
        "lets_rule": _is_flag,
        "hears_apart": _is_flag,
        "moving": _are_moving,
        "resources": _are_amounts,
        "outcome": _is_member(RequestOutcome),
        "refusal": lambda value: value is None or is_name(value),
        "detail": _is_text,
        "version": _is_count,
        "term": _is_count,
        "beat": _is_count,
        "confirms": _is_count,
        "left_out": _is_count,
        "lease": _is_seconds,
    }
)

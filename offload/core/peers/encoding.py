"""Contents as JSON objects, and back from what anybody with a key may have written."""

from __future__ import annotations

import json
from dataclasses import fields
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import InvalidProperties, InvalidTicket
from offload.core.peers.contents import (
    Acknowledgement,
    CloneRefusal,
    CloneReport,
    Content,
    OutputInvitation,
    PeerAnnouncement,
    PeerEnvelope,
    PeerNews,
    ReportAnswer,
    ReportVerdict,
    Withdrawal,
)
from offload.core.peers.refusal import PeerMessageRefused, RefusalKind
from offload.core.topics import is_topic
from offload.core.transfers.announced_files import packed_all, parse_all
from offload.core.validation.bounds import PRIORITY
from offload.core.validation.ids import is_epoch, is_id, is_storable
from offload.core.validation.job_properties import check_properties

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Longest name of a cluster or an instance, in characters.
NAME_MAX = 255
#: Largest beat and term, which a column holds.
COUNT_MAX = 2**63 - 1

#: Longest lease, in seconds.
SECONDS_MAX = 86_400

#: The kinds of messages, by the name in them.
KINDS: Mapping[str, type[Content]] = MappingProxyType(
    {
        "job": PeerEnvelope,
        "withdrawal": Withdrawal,
        "acknowledgement": Acknowledgement,
        "report": CloneReport,
        "answer": ReportAnswer,
        "invitation": OutputInvitation,
        "announcement": PeerAnnouncement,
    }
)
_NAMES = {kind: name for name, kind in KINDS.items()}


def kind_of(content: Content) -> str:
    """Return the name of a content's kind."""
    return _NAMES[type(content)]


def packed(content: Content) -> dict[str, Any]:
    """Return a content as a JSON object."""
    values = {one.name: getattr(content, one.name) for one in fields(content)}
    plain = {name: _plain(value) for name, value in values.items()}
    return plain | ({"files": packed_all(values["files"])} if "files" in values else {})


def unpacked(kind: object, values: object, limit_bytes: int) -> Content:
    """Return the content that an object holds; fields that this version does not know are ignored.

    Raise PeerMessageRefused for a kind or a value that no cluster of this version sends.
    """
    if not isinstance(kind, str) or kind not in KINDS:
        raise malformed("its kind is unknown")
    if not isinstance(values, dict):
        raise malformed("its content is not an object")
    found = {one.name: values.get(one.name, _ABSENT.get(one.name)) for one in fields(KINDS[kind])}
    for name, value in found.items():
        if not _is_fit(name, value, limit_bytes):
            raise malformed(f"the field {name} of its kind {kind} is missing or wrong")
    content = KINDS[kind](**{name: _typed(name, value) for name, value in found.items()})
    if isinstance(content, CloneReport) and not _is_consistent(content):
        raise malformed("it is refused without a reason, or has one without being refused")
    return content


def malformed(detail: str) -> PeerMessageRefused:
    """Return the refusal of what is signed and not understood."""
    return PeerMessageRefused(RefusalKind.MALFORMED, detail)


def is_name(value: object) -> bool:
    """Tell whether a value can be the name of a cluster or an instance."""
    return isinstance(value, str) and 0 < len(value) <= NAME_MAX and is_storable(value)


def read_json(body: bytes) -> object:
    """Return the content of a body; raise PeerMessageRefused unless it is strict JSON."""
    try:
        return json.loads(body.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise malformed("it is no JSON") from None


def _no_number(text: str) -> object:
    raise ValueError(f"{text} is no JSON")


def _is_consistent(report: CloneReport) -> bool:
    return (report.news is PeerNews.REFUSED) == (report.reason is not None)


def _plain(value: object) -> object:
    if isinstance(value, StrEnum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _is_fit(name: str, value: object, limit_bytes: int) -> bool:
    if name in {"properties", "details", "options"}:
        return _is_object(value, limit_bytes)
    if name == "args":
        return isinstance(value, list) and _is_object({name: value}, limit_bytes)
    if name == "instances":
        return isinstance(value, list) and all(_is_object(one, limit_bytes) for one in value)
    return _CHECKS[name](value)


def _is_object(value: object, limit_bytes: int) -> bool:
    try:
        check_properties(value, limit_bytes)
    except InvalidProperties:
        return False
    return True


def _are_files(value: object) -> bool:
    try:
        parse_all(value)
    except InvalidTicket:
        return False
    return True


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= COUNT_MAX


def _is_seconds(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= SECONDS_MAX


def _is_priority(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in PRIORITY


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_member(of: type[StrEnum]) -> Callable[[object], bool]:
    values = frozenset(one.value for one in of)
    return lambda value: isinstance(value, str) and value in values


def _typed(name: str, value: Any) -> Any:
    if name in _ENUMS and value is not None:
        return _ENUMS[name](value)
    if name == "files":
        return parse_all(value)
    return tuple(value) if name in _LISTS else value


#: The meaning of fields that a cluster may leave out.
_ABSENT: Mapping[str, object] = MappingProxyType({"is_accepting": True})
#: The fields that are tuples in values and lists in JSON.
_LISTS = frozenset({"args", "instances", "others"})


_ENUMS: Mapping[str, type[StrEnum]] = MappingProxyType(
    {"news": PeerNews, "reason": CloneRefusal, "verdict": ReportVerdict}
)

_CHECKS: Mapping[str, Callable[[object], bool]] = MappingProxyType(
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
        "term": _is_count,
        "beat": _is_count,
        "confirms": _is_count,
        "left_out": _is_count,
        "lease": _is_seconds,
    }
)

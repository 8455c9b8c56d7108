"""Contents as JSON objects, and back from what anybody with a key may have written."""

from __future__ import annotations

import json
from dataclasses import fields
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import InvalidProperties
from offload.core.peers.contents import (
    Acknowledgement,
    CloneReport,
    Confirmation,
    Content,
    OutputInvitation,
    PeerAnnouncement,
    PeerEnvelope,
    PeerNews,
    ReportAnswer,
    RequestAnswer,
    RuleRequest,
    Withdrawal,
)
from offload.core.peers.field_checks import CHECKS, ENUMS
from offload.core.peers.refusal import PeerMessageRefused, RefusalKind
from offload.core.peers.rule_requests import RequestOutcome
from offload.core.transfers.announced_files import packed_all, parse_all
from offload.core.validation.job_properties import check_properties

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The kinds of messages, by the name in them.
KINDS: Mapping[str, type[Content]] = MappingProxyType(
    {
        "job": PeerEnvelope,
        "withdrawal": Withdrawal,
        "acknowledgement": Acknowledgement,
        "report": CloneReport,
        "answer": ReportAnswer,
        "invitation": OutputInvitation,
        "request": RuleRequest,
        "verdict": RequestAnswer,
        "announcement": PeerAnnouncement,
        "confirmation": Confirmation,
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
    if not _is_consistent(content):
        raise malformed("it is refused without a reason, or has one without being refused")
    return content


def malformed(detail: str) -> PeerMessageRefused:
    """Return the refusal of what is signed and not understood."""
    return PeerMessageRefused(RefusalKind.MALFORMED, detail)


def read_json(body: bytes) -> object:
    """Return the content of a body; raise PeerMessageRefused unless it is strict JSON."""
    try:
        return json.loads(body.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise malformed("it is no JSON") from None


def _no_number(text: str) -> object:
    raise ValueError(f"{text} is no JSON")


def _is_consistent(content: Content) -> bool:
    if isinstance(content, CloneReport):
        return (content.news is PeerNews.REFUSED) == (content.reason is not None)
    if isinstance(content, RequestAnswer):
        return (content.outcome is RequestOutcome.REFUSED) == (content.refusal is not None)
    return True


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
    return CHECKS[name](value)


def _is_object(value: object, limit_bytes: int) -> bool:
    try:
        check_properties(value, limit_bytes)
    except InvalidProperties:
        return False
    return True


def _typed(name: str, value: Any) -> Any:
    if name in ENUMS and value is not None:
        return ENUMS[name](value)
    if name == "files":
        return parse_all(value)
    return tuple(value) if name in _LISTS else value


#: The meaning of fields that a cluster may leave out.
_ABSENT: Mapping[str, object] = MappingProxyType(
    {"is_accepting": True, "lets_rule": False, "moving": [], "hears_apart": False, "resources": {}}
)
#: The fields that are tuples in values and lists in JSON.
_LISTS = frozenset({"args", "instances", "moving", "others", "patterns"})

"""The end of a request: its row, the record of changes, and the event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.peers.rule_requests import RequestRefusal, RequestState
from offload.models import ChangeRecord, PeerRequest
from offload.models.change_records import Entrance, SubjectKind
from offload.models.fields import DatabaseNow
from offload.signals import RequestAnswered
from offload.tracking.state_changes import send_on_commit

if TYPE_CHECKING:
    from offload.core.peers.contents import RequestAnswer


def end(
    row: PeerRequest,
    state: RequestState,
    answer: RequestAnswer | None = None,
    *,
    detail: str = "",
) -> None:
    """End an open request in the surrounding transaction."""
    changes: dict[str, Any] = {
        "state": state.value,
        "detail": detail,
        "withdrawn_by": row.withdrawn_by,
    }
    if answer is not None:
        refusal = answer.refusal or ""
        changes |= {"refusal": refusal, "detail": answer.detail, "version": answer.version}
    PeerRequest.objects.filter(pk=row.pk).update(**changes, answered_at=DatabaseNow())
    for name, value in changes.items():
        setattr(row, name, value)
    if answer is not None:
        _record(row)
    text = sentence(row)
    event = RequestAnswered(
        row.pk, row.peer, row.full_name, row.action, tuple(row.patterns), row.state, row.refusal,
        text, row.by,
    )  # fmt: skip
    send_on_commit([event])


def _record(row: PeerRequest) -> None:
    """Record what the other cluster said; what a person did here is recorded as that."""
    ChangeRecord.objects.create(
        actor=row.peer,
        entrance=Entrance.PEER,
        action=row.state,
        kind=SubjectKind.INSTANCE,
        subject=row.full_name,
        text=sentence(row),
    )


def wish(row: PeerRequest) -> str:
    """Return the change that is asked for, as ``deny dam/** on render/gpu1@host``."""
    patterns = f"{', '.join(row.patterns)} on " if row.patterns else ""
    return f"{row.action} {patterns}{row.full_name}"


def sentence(row: PeerRequest) -> str:
    """Return the end of a request as a sentence, with the reason."""
    who = f"Request {row.pk} by {row.by}"
    match row.state:
        case RequestState.APPLIED:
            return f"{who} was applied by {row.peer}: {wish(row)}."
        case RequestState.REFUSED:
            return f"{who} was refused by {row.peer}: {wish(row)}. {reason(row)}".rstrip()
        case RequestState.EXPIRED:
            return f"{who} was not applied by {row.peer} in its time: {wish(row)}."
        case _:
            back = f" by {row.withdrawn_by}" if row.withdrawn_by else ""
            return f"{who} was withdrawn{back}: {wish(row)}. {row.detail}".rstrip()


def reason(row: PeerRequest) -> str:
    """Return the reason of a refusal, as sentences."""
    known = RequestRefusal(row.refusal).sentence if row.refusal else ""
    return f"{known} {row.detail}".strip()

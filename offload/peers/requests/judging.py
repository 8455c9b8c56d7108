"""Verdicts on the requests of other clusters: made once, remembered, given again (P14)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from offload.core.peers.contents import RequestAnswer
from offload.core.peers.messages import PeerLimits
from offload.core.peers.rule_requests import RequestOutcome, RequestRefusal
from offload.models import AnsweredRequest
from offload.models.fields import DatabaseNow

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from offload.core.peers.contents import Content, RuleRequest

    #: Makes the change that a cluster asks for, or says why not; returns the verdict.
    Apply: TypeAlias = Callable[[str, RuleRequest], RequestAnswer]

#: For how long a verdict is remembered at least: until no copy of its request would be taken.
MEMORY = timedelta(seconds=PeerLimits().memory_seconds)


def take(home: str, request: RuleRequest, now: datetime, apply: Apply) -> tuple[Content, ...]:
    """Return the verdict on a request; a known one gets the same again, and changes nothing."""
    row = _row(home, request)
    if row.outcome:
        return (_again(row),)
    answer = withdrawn(request) if request.is_withdrawn else apply(home, request)
    _remember(row, answer)
    _forget(home, request.settled)
    return (answer,)


def refuse(home: str, request: RuleRequest, now: datetime) -> tuple[Content, ...]:
    """Refuse a request of a cluster that may not rule; remember that, too: a verdict is final."""
    return take(home, request, now, lambda _, one: refused(one, RequestRefusal.NOT_PERMITTED))


def withdrawn(request: RuleRequest) -> RequestAnswer:
    """Return the verdict on what was taken back before it was applied."""
    return RequestAnswer(key=request.key, outcome=RequestOutcome.WITHDRAWN)


def refused(request: RuleRequest, why: RequestRefusal, detail: str = "") -> RequestAnswer:
    """Return the verdict on what is not applied."""
    outcome = RequestOutcome.REFUSED
    return RequestAnswer(key=request.key, outcome=outcome, refusal=why, detail=detail)


def _row(home: str, request: RuleRequest) -> AnsweredRequest:
    """Return the locked row of a request; who gets a copy at the same time waits for it."""
    new = AnsweredRequest(home=home, key=request.key, number=request.number)
    AnsweredRequest.objects.bulk_create([new], ignore_conflicts=True)
    found: AnsweredRequest = AnsweredRequest.objects.select_for_update().get(
        home=home, key=request.key
    )
    return found


def _again(row: AnsweredRequest) -> RequestAnswer:
    return RequestAnswer(
        key=row.key,
        outcome=RequestOutcome(row.outcome),
        refusal=RequestRefusal(row.refusal) if row.refusal else None,
        detail=row.detail,
        version=row.version,
    )


def _remember(row: AnsweredRequest, answer: RequestAnswer) -> None:
    AnsweredRequest.objects.filter(pk=row.pk).update(
        outcome=answer.outcome,
        refusal=answer.refusal or "",
        detail=answer.detail,
        version=answer.version,
        answered_at=DatabaseNow(),
    )


def _forget(home: str, settled: int) -> None:
    """Forget verdicts that their home has, and of which no copy would be taken any more."""
    AnsweredRequest.objects.filter(
        home=home, number__lt=settled, answered_at__lt=DatabaseNow() - MEMORY
    ).delete()

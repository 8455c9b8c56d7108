"""The peer's outbox: reports of clones, made from their rows (P3, P4)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import FileProblem, InvalidProperties
from offload.core.moments import between
from offload.core.peers.contents import CloneRefusal, CloneReport, PeerNews
from offload.core.peers.messages import PeerLimits
from offload.core.retries import CRASH_CAUSES, FAILURE_CAUSES, Cause
from offload.core.states import Hold, JobState
from offload.core.texts import place_of
from offload.core.transfers.announced_files import packed_all
from offload.core.validation.job_properties import check_properties
from offload.models import Attempt, Job
from offload.peers.files import pushing, reported
from offload.peers.travel.options import REPLACES, SHORTAGE, travelling
from offload.peers.travel.plain import plain
from offload.queues.own_retries import SHORTAGE_OPTION
from offload.tracking import logs
from offload.tracking.peers import news
from offload.tracking.peers.news import BEGUN, REFUSED, UNSENT, WITHDRAWN, Due

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from offload.core.peers.contents import Content
    from offload.core.transfers.announced_files import AnnouncedFile

#: Longest text of an error, and of a traceback, that travels, in characters.
ERROR_MAX, TRACEBACK_MAX = 10_000, 100_000
#: Bytes of a message that are left for all but the details of a report.
SPARE_BYTES = 16_384
BODY_BYTES = PeerLimits().size_bytes - SPARE_BYTES
#: Last lines of a clone's log that travel, and their characters.
LOG_LINES, LOG_CHARACTERS = 100, 16_000
#: The key of outputs where their size is counted with that of the details.
FILES = "files"
#: Causes for which the run itself asked to begin again.
ASKED_AGAIN = frozenset({Cause.REQUEUED, Cause.REJECTED, Cause.REPLACED, Cause.DENIED})
#: The errors of runs whose time was over, which home may answer with more of it.
TIME_LIMITS = frozenset(
    {"billiard.exceptions.TimeLimitExceeded", "billiard.exceptions.SoftTimeLimitExceeded"}
)


class CloneOutbox:
    """The reports of the jobs that run here for a home."""

    def due(self, peer: str, now: datetime, limit: int) -> Sequence[Content]:
        """Return the reports that are due for a home, the longest due first."""
        news.renew(peer, limit)
        return [_report(peer, one) for one in news.due(peer, limit)]

    def sent(self, peer: str, contents: Sequence[Content], now: datetime) -> None:
        """Note that they were sent: they are due again later, unless answered."""
        for one in contents:
            if isinstance(one, CloneReport):
                news.note_sent(peer, one.job_id, one.epoch, one.number)

    def has_withdrawals(self, peer: str) -> bool:
        """Tell whether the peer has withdrawals to acknowledge: reports are none."""
        return False


def claim_ends(home: str, limit: int) -> list[CloneReport]:
    """Return the reports of ends that are due for a home, and count them as sent.

    Nobody else sends them meanwhile. The caller holds a transaction, and puts back what cannot be
    sent.
    """
    news.renew(home, limit, only_ends=True)
    return [_report(home, one) for one in news.claim(home, limit)]


def put_back(home: str, reports: Sequence[CloneReport]) -> None:
    """Let claimed reports be due again at once."""
    for one in reports:
        news.put_back(home, one.job_id, one.epoch, one.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Body:
    """All that a report says beside what it is about."""

    news: PeerNews
    details: Mapping[str, Any] = field(default_factory=dict)
    reason: CloneRefusal | None = None
    files: tuple[AnnouncedFile, ...] = ()


def _report(home: str, due: Due) -> CloneReport:
    body = _body(home, due)
    try:
        _check(body)
    except InvalidProperties as error:
        # Another attempt would return the same.
        problem = f"what its run returned cannot travel: {error}"
        details = {"type": "offload.InvalidValue", "message": problem, "final": True}
        body = _Body(news=PeerNews.FAILED, details=details)
    else:
        body = _with_log(due, body)
    return CloneReport(
        job_id=due.job_id,
        epoch=due.epoch,
        number=due.number,
        news=body.news,
        reason=body.reason,
        details=body.details,
        files=body.files,
    )


def _with_log(due: Due, body: _Body) -> _Body:
    """Return the body of a report with the clone's log, if it has one and there is room."""
    log = logs.latest(due.job_id)
    if log is None:
        return body
    packed = log.last(LOG_LINES, LOG_CHARACTERS).packed()
    whole = replace(body, details={**body.details, "log": packed})
    try:
        _check(whole)
    except InvalidProperties:
        return body
    return whole


def _check(body: _Body) -> None:
    """Raise InvalidProperties unless a message holds it."""
    check_properties(body.details, BODY_BYTES)
    if body.files:
        check_properties({**body.details, FILES: packed_all(body.files)}, BODY_BYTES)


def _body(home: str, due: Due) -> _Body:
    if due.reported == REFUSED:
        return _Body(news=PeerNews.REFUSED, reason=CloneRefusal(due.reason))
    if due.reported == WITHDRAWN:
        return _Body(news=PeerNews.STOPPED)
    clone = Job.objects.filter(pk=due.job_id, home=home, home_epoch=due.epoch).first()
    if clone is None:
        return _Body(news=PeerNews.LOST, details={"message": "the clone's row is gone"})
    if due.reported == BEGUN:
        return _Body(news=PeerNews.STARTED, details=_present(clone))
    if due.reported == UNSENT:
        return _unsent(clone, pushing.problem_of(clone))
    if clone.state == JobState.SUCCEEDED:
        return _succeeded(home, clone)
    news_, details, reason = _ended(clone)
    return _Body(news=news_, details=details, reason=reason)


def _succeeded(home: str, clone: Job) -> _Body:
    try:
        files = reported.outputs(home, clone)
    except FileProblem as error:
        return _unsent(clone, error)
    details = {"value": plain(clone.result), "instance": clone.instance}
    return _Body(news=PeerNews.SUCCEEDED, details=details, files=files)


def _unsent(clone: Job, error: FileProblem) -> _Body:
    """Return the news of outputs that cannot be brought home."""
    details = {"type": place_of(type(error)), "message": str(error), "final": not error.can_retry}
    return _Body(news=PeerNews.FAILED, details={**details, "instance": clone.instance})


def _present(clone: Job) -> dict[str, Any]:
    return {"instance": clone.instance, "progress": clone.progress}


def _ended(clone: Job) -> tuple[PeerNews, dict[str, Any], CloneRefusal | None]:
    if clone.state == JobState.STOPPED:
        return PeerNews.STOPPED, _error(clone), None
    if clone.hold == Hold.PAYLOAD and clone.state == JobState.ERROR:
        return PeerNews.FAILED, {**_error(clone), "final": True}, None
    if not clone.attempts:
        return PeerNews.REFUSED, _error(clone), CloneRefusal.OTHER
    if clone.state == JobState.GIVEN_UP:
        return *_given_up(clone), None
    if clone.state == JobState.ERROR:
        return PeerNews.FAILED, {**_error(clone), "final": True}, None
    return PeerNews.STOPPED, _error(clone), None


def _given_up(clone: Job) -> tuple[PeerNews, dict[str, Any]]:
    """Return the news of a clone whose one attempt ended without a result."""
    attempt = Attempt.objects.filter(job=clone.pk, epoch=clone.epoch).first()
    if attempt is None:
        timed_out = clone.error_type in TIME_LIMITS
        return PeerNews.TIMED_OUT if timed_out else PeerNews.FAILED, _error(clone)
    details = {**_error(clone), "message": attempt.error[:ERROR_MAX]}
    if attempt.cause in ASKED_AGAIN:
        # A canvas in its place would be jobs of this cluster: home runs it itself.
        replaces = {REPLACES: True} if attempt.cause == Cause.REPLACED else {}
        return PeerNews.REQUEUED, {**details, **_retry(clone), **replaces}
    if attempt.cause in CRASH_CAUSES:
        short = clone.options.get(SHORTAGE_OPTION)
        return PeerNews.LOST, {**details, SHORTAGE: short} if short else details
    if attempt.cause in FAILURE_CAUSES:
        return PeerNews(attempt.cause), details
    return PeerNews.LEASE_EXPIRED, details


def _error(clone: Job) -> dict[str, Any]:
    return {
        "instance": clone.instance,
        "type": clone.error_type,
        "message": clone.error[:ERROR_MAX],
        "traceback": clone.traceback[-TRACEBACK_MAX:],
    }


def _retry(clone: Job) -> dict[str, Any]:
    """Return how the run asked to begin again."""
    delay = between(clone.finished_at, clone.run_at) if clone.run_at and clone.finished_at else 0.0
    return {
        "delay": max(0.0, delay),
        "failures": clone.failures,
        "args": plain(clone.args),
        "properties": plain(clone.properties),
        "options": plain(travelling(clone.options)),
    }

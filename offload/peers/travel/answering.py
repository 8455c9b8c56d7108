"""Home's side of the reports and acknowledgements that a peer sends (P2, P3, P4)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import FileProblem
from offload.core.job_log import JobLog
from offload.core.matching.escalation import Shortage
from offload.core.outcomes import ErrorInfo
from offload.core.peers.contents import PeerNews, ReportAnswer, ReportVerdict
from offload.core.placement.lanes import Lane
from offload.core.progress import Progress
from offload.core.retries import Cause
from offload.core.states import JobState
from offload.core.texts import place_of, printable
from offload.fleet.snapshots import snapshot
from offload.jobs import elsewhere
from offload.models import Job
from offload.models.fields import INTEGER_MAX
from offload.peers.files import receipt
from offload.peers.travel.options import REPLACES, SHORTAGE, travelling
from offload.tracking.assignments import NewCall
from offload.tracking.peers import elsewhere as rows
from offload.tracking.peers import withdrawals

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from offload.core.peers.contents import Acknowledgement, CloneReport, Content

#: The news of an end that implies a beginning.
OF_RUNS = frozenset(
    {
        PeerNews.STARTED,
        PeerNews.SUCCEEDED,
        PeerNews.FAILED,
        PeerNews.TIMED_OUT,
        PeerNews.REQUEUED,
        PeerNews.LOST,
        PeerNews.LEASE_EXPIRED,
    }
)
#: Longest text of an error, and of a traceback, that is kept, in characters.
ERROR_MAX, TRACEBACK_MAX = 10_000, 100_000
#: The longest pause that a run at a peer may ask for, in seconds: a year.
DELAY_MAX = 31_536_000.0
BOUND = frozenset({JobState.QUEUED, JobState.ACTIVE})


def take_report(peer: str, report: CloneReport, now: datetime) -> tuple[Content, ...]:
    """Take a report of a job that a peer has, or refuse it; answer with the verdict.

    A success gets none before its outputs are here (P12): the answer asks for those that lack.
    """
    job = Job.objects.select_for_update().filter(pk=report.job_id).first()
    verdict = _refusal(peer, report, job)
    if job is None or verdict is not None:
        return (_answer(report, verdict or ReportVerdict.UNKNOWN),)
    try:
        files = receipt.lacking(job, report.files)
    except FileProblem as error:
        report = _not_taken(report, error)
        files = []
    if files:
        _begin(job, report)
        return receipt.ask_for(peer, report, files)
    rows.note_heard(job.pk, report.epoch, report.number)
    _apply(job, report)
    return (_answer(report, ReportVerdict.ACCEPTED),)


def _answer(report: CloneReport, verdict: ReportVerdict) -> ReportAnswer:
    return ReportAnswer(
        job_id=report.job_id, epoch=report.epoch, number=report.number, verdict=verdict
    )


def _not_taken(report: CloneReport, error: FileProblem) -> CloneReport:
    """Return the report of a failure in the place of a success with such outputs."""
    details = {"type": place_of(type(error)), "message": str(error), "final": not error.can_retry}
    details["instance"] = report.details.get("instance")
    return replace(report, news=PeerNews.FAILED, details=details, files=())


def take_acknowledgement(peer: str, answer: Acknowledgement, now: datetime) -> tuple[Content, ...]:
    """Note that the peer begins nothing of a binding any more."""
    withdrawals.acknowledge(peer, answer)
    return ()


def _refusal(peer: str, report: CloneReport, job: Job | None) -> ReportVerdict | None:
    """Return the verdict on a report that changes nothing; None if it is to be taken."""
    if job is None or job.is_clone:
        return ReportVerdict.UNKNOWN
    if job.heard_epoch == report.epoch and report.number <= (job.heard_number or 0):
        return ReportVerdict.ACCEPTED
    is_there = job.job_state in BOUND and job.peer == peer
    if not is_there or job.epoch != report.epoch:
        return ReportVerdict.STALE
    return None


def _begin(job: Job, report: CloneReport) -> None:
    if job.state == JobState.QUEUED and report.news in OF_RUNS:
        instance, incarnation = _place(job, report.details.get("instance"))
        elsewhere.began(job, instance=instance, incarnation=incarnation)


def _apply(job: Job, report: CloneReport) -> None:
    details = report.details
    _begin(job, report)
    binding = (job.pk, job.epoch)
    if (log := JobLog.unpacked(details.get("log"))) is not None:
        elsewhere.logged(binding, log)
    match report.news:
        case PeerNews.STARTED:
            _show(job, details.get("progress"))
        case PeerNews.SUCCEEDED:
            elsewhere.succeeded(binding, details.get("value"))
        case PeerNews.FAILED | PeerNews.TIMED_OUT:
            cause = Cause(report.news.value)
            elsewhere.failed(job, cause, _error(details), final=details.get("final") is True)
        case PeerNews.REQUEUED:
            _put_back(job, details)
        case PeerNews.LOST:
            killed = details.get(SHORTAGE) == Shortage.OUT_OF_MEMORY
            elsewhere.lost(job, _text(details, "message", ERROR_MAX), killed=killed)
        case PeerNews.LEASE_EXPIRED:
            elsewhere.came_back(binding, Cause.LEASE_EXPIRED, _text(details, "message", ERROR_MAX))
        case PeerNews.STOPPED:
            elsewhere.came_back(binding, Cause.STOPPED, _text(details, "message", ERROR_MAX))
        case PeerNews.REFUSED:
            reason = report.reason.sentence if report.reason else ""
            elsewhere.refused(binding, f"{job.peer}: {reason}")


def _place(job: Job, value: object) -> tuple[str, str]:
    """Return where the job runs: the instance that the peer names, if it is known here."""
    found = snapshot().topology.instance(f"{job.peer}/{value}")
    if found is None or found.peer != job.peer:
        return job.instance, job.incarnation
    return found.name, found.incarnation


def _show(job: Job, value: object) -> None:
    found = Progress.read(value)
    if found is not None:
        elsewhere.progressed((job.pk, job.epoch), found)


def _error(details: Mapping[str, Any]) -> ErrorInfo:
    module, _, name = _text(details, "type", 255).rpartition(".")
    return ErrorInfo(
        type=name or "Exception",
        message=_text(details, "message", ERROR_MAX),
        module=module or "builtins",
        traceback=_text(details, "traceback", TRACEBACK_MAX),
    )


def _text(details: Mapping[str, Any], name: str, most: int) -> str:
    value = details.get(name)
    return printable(value[:most]) if isinstance(value, str) else ""


def _put_back(job: Job, details: Mapping[str, Any]) -> None:
    options = _only(dict, details.get("options"))
    call = NewCall(
        args=_only(list, details.get("args")),
        properties=_only(dict, details.get("properties")),
        options=None if options is None else {**job.options, **travelling(options)},
        lane=Lane.parse(job.lane).staying if details.get(REPLACES) is True else None,
    )
    elsewhere.put_back(
        job,
        delay=min(_number(details.get("delay")), DELAY_MAX),
        failures=int(min(max(_number(details.get("failures")), job.failures), INTEGER_MAX)),
        call=call,
    )


def _only(kind: type[Any], value: object) -> Any:
    """Return a value of this type, or None."""
    return value if isinstance(value, kind) else None


def _number(value: object) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return max(0.0, float(value)) if is_number else 0.0  # type: ignore[arg-type]

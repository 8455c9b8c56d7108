"""Ends the nodes of a canvas that can no longer run; stock Celery leaves some PENDING."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.canvas.freezing.drafting import origin_of, tail_of
from offload.canvas.freezing.options import kept
from offload.canvas.freezing.recognition import of_signature, plain_topic
from offload.canvas.freezing.walk import frozen
from offload.core.exceptions import InvalidTopic
from offload.core.states import Hold, JobState, celery_state
from offload.core.texts import bare
from offload.dispatch.submission import choose_queue
from offload.models import Job, Kind
from offload.results import result_backend, task_results
from offload.tracking import terminations
from offload.tracking.drafts import Draft, insert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from celery import Celery

    from offload.canvas.freezing.recognition import Recognised

CHORD_ERROR = "celery.exceptions.ChordError"
#: Key of a tail, until its job's result is written: nodes whose results are written first.
TOLD_AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamFailure:
    """The reason why nodes cannot run."""

    #: The final state they take over.
    state: str
    error_type: str
    error: str
    #: Id of the node that failed; whoever sees a node that it cut off must find it.
    culprit: str = ""

    def __str__(self) -> str:
        """Return the error as Python shows one."""
        name = bare(self.error_type)
        return f"{name}({self.error!r})" if name else self.error or self.state


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeResult:
    """The end of one node, for the joins that wait for it."""

    id: str
    #: Celery's: SUCCESS, FAILURE or REVOKED.
    state: str
    value: Any = None
    error: str = ""


def fail(
    app: Celery, signatures: Sequence[Mapping[str, Any]], cause: UpstreamFailure
) -> list[NodeResult]:
    """Make every frozen node of these signatures final (K2c); return those that were not yet."""
    nodes = [
        node.signature if node.is_counted else _uncounted(node.signature)
        for node in frozen(signatures)
    ]
    insert([_draft(app, node, cause) for node in nodes])
    changes = terminations.give_up(
        list(dict.fromkeys(node["options"]["task_id"] for node in nodes)),
        state=cause.state,
        error_type=cause.error_type,
        error=cause.error,
    )
    _store_results([change.job_id for change in changes])
    state = celery_state(JobState(cause.state), attempts=0)
    return [NodeResult(id=change.job_id, state=state, error=str(cause)) for change in changes]


def _store_results(ids: Sequence[str]) -> None:
    """Write Celery's results of these with their ends, where that is one transaction.

    Who sees the failure that cut them off sees theirs then.
    """
    if not ids or not task_results.in_transaction():
        return
    for job in Job.objects.ids(ids):
        if not job.options.get("ignore_result"):
            task_results.write(result_backend.of_job(job))


def _uncounted(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a node without its chord."""
    options = {name: value for name, value in node["options"].items() if name != "chord"}
    return {**node, "options": options}


def _draft(app: Celery, node: Mapping[str, Any], cause: UpstreamFailure) -> Draft:
    options = node["options"]
    found = _recognised(app, node)
    source = origin_of(app, {})
    chord = (tail_of(options) or {}).get("chord")
    topic = found.topic if found else plain_topic(node["task"])
    return Draft(
        id=options["task_id"],
        kind=Kind.JOB if found else Kind.RELAY,
        topic=topic,
        task=found.task if found else node["task"],
        queue=choose_queue(topic, None),
        args=tuple(node.get("args") or ()),
        properties=node.get("kwargs") or {},
        options=kept(options),
        tail=_tail(chord, cause),
        has_tail=bool(chord),
        hold=Hold.DEPENDENCY,
        parent_id=source.parent_id,
        root_id=source.root_id,
        run_id=source.run_id,
        payload_id=source.payload_id,
    )


def _tail(chord: Any, cause: UpstreamFailure) -> dict[str, Any] | None:
    tail: dict[str, Any] = {"chord": chord} if chord else {}
    if cause.culprit and not task_results.in_transaction():
        tail[TOLD_AFTER] = cause.culprit
    return tail or None


def _recognised(app: Celery, node: Mapping[str, Any]) -> Recognised | None:
    try:
        return of_signature(app, node)
    except InvalidTopic:
        return None

"""Calls become drafts, with everything that must come from the caller's process (B2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from offload.canvas.freezing import creation
from offload.canvas.freezing.call_checks import check, check_depth, check_options
from offload.canvas.freezing.calls import delay_of, eta_of, moment, seconds_until
from offload.canvas.freezing.context import Origin, origin
from offload.canvas.freezing.options import STEP, TIME_LIMITS, kept
from offload.canvas.freezing.origins import relayed, submitter, submitters_priority
from offload.canvas.freezing.recognition import STARMAP_TASK, plain_topic, registered
from offload.canvas.freezing.signatures import (
    EPOCH_OPTION,
    JOIN_OPTION,
    NO_JOIN,
    as_dicts,
    join_of,
    mark,
)
from offload.canvas.freezing.walk import many
from offload.core.envelopes import BUILTIN_TASKS, MAP_TASK
from offload.core.matching.call_placement import OPTION as PLACEMENT
from offload.core.matching.call_placement import CallPlacement
from offload.core.placement.affinity import Affinity
from offload.core.states import Hold
from offload.core.validation.bounds import PRIORITY
from offload.core.validation.ids import id_of
from offload.dispatch.submission import choose_queue
from offload.fleet.consumers import check_names, slots_of
from offload.messaging.names import AFFINITY_OPTION, STEP_OPTION
from offload.models import Kind
from offload.tracking.drafts import Draft

if TYPE_CHECKING:
    from collections.abc import Mapping

    from celery import Celery

    from offload.canvas.freezing.calls import Call
    from offload.canvas.freezing.recognition import Recognised

#: Options that Celery does not know.
OWN_OPTIONS = frozenset({JOIN_OPTION, EPOCH_OPTION, STEP_OPTION, AFFINITY_OPTION, PLACEMENT})
ROUTE_OPTIONS = ("queue", "exchange")
#: Deepest nesting of a canvas with its arguments; each step takes several levels.
CANVAS_DEPTH_MAX = 256


def job_draft(app: Celery, call: Call, found: Recognised) -> Draft:
    """Return the draft of a call that is a job.

    Raise InvalidProperties for arguments that are not JSON or too large; a value that one job
    passes to the next may have any size. Raise InvalidDelay, InvalidPriority or InvalidNumber for
    a value that no row holds. If the call follows a job, which has ended and cannot fail for it,
    the nearest value is taken instead.
    """
    options = {**inherited(app), **defaults(app, call), **call.options}
    source, queue = origin_of(app, options), choose_queue(found.topic, None)
    tail = tail_of(options)
    asked = CallPlacement.read(options.get(PLACEMENT))
    if origin.get() is None:
        asked = CallPlacement.of(options.get(PLACEMENT))
        check(call, tail)
        # With positional arguments, only the worker can tell which names remain.
        if not call.args and found.task not in BUILTIN_TASKS:
            check_names(found.topic, call.kwargs)
        check_options(app, options)
    return Draft(
        id=call.id,
        topic=found.topic,
        task=found.task,
        queue=queue,
        needs=f"limit {source.need}".strip() if any(map(options.get, TIME_LIMITS)) else source.need,
        args=call.args,
        properties=properties_of(call, found),
        options={**kept({**options, "eta": eta_of(app, options)}), **insistence(app, call)},
        tail=tail,
        has_tail=bool(tail or join_of(options.get("chord"))),
        priority=PRIORITY.nearest_whole(options.get("priority") or 0),
        delay=delay_of(app, options),
        expires_in=seconds_until(app, options.get("expires")),
        parent_id=source.parent_id,
        root_id=source.root_id,
        run_id=source.run_id,
        payload_id=source.payload_id,
        requires=asked.requires,
        prefers=asked.prefers,
        slots=asked.slots or slots_of(found.topic),
        affinity=Affinity.parse(options.get(AFFINITY_OPTION) or "")
        or creation.preferred(found.topic, queue),
        epoch=options.get(EPOCH_OPTION) or 0,
    )


def relay_draft(app: Celery, call: Call) -> Draft:
    """Return the draft of a plain Celery task that is published after the commit."""
    source, topic = origin_of(app, call.options), plain_topic(call.name)
    return Draft(
        id=call.id,
        kind=Kind.RELAY,
        topic=topic,
        task=call.name,
        queue=choose_queue(topic, None),
        args=call.args,
        properties=dict(call.kwargs),
        options=_published(app, call, source),
        has_tail=bool(tail_of(call.options) or join_of(call.options.get("chord"))),
        hold=Hold.RELAY,
        parent_id=source.parent_id,
        root_id=source.root_id,
        run_id=source.run_id,
        payload_id=source.payload_id,
        epoch=call.options.get(EPOCH_OPTION) or 0,
    )


def _published(app: Celery, call: Call, source: Origin) -> dict[str, Any]:
    """Return the options with which Celery will publish the task later."""
    options: dict[str, Any] = as_dicts(
        {name: value for name, value in call.frozen.items() if name not in OWN_OPTIONS}
    )
    options["eta"] = eta_of(app, options)
    options.pop("countdown", None)
    if options.get("expires") is not None:
        options["expires"] = moment(app, options["expires"])
    options["chord"] = options.get("chord") or mark(NO_JOIN)
    for name in ROUTE_OPTIONS:
        if options.get(name) is not None:
            options[name] = getattr(options[name], "name", options[name])
    options["reply_to"] = options.get("reply_to") or app.thread_oid
    options["root_id"] = source.root_id or None
    options["parent_id"] = source.parent_id or None
    step = call.options.get(STEP_OPTION)
    return {**options, STEP: step} if isinstance(step, str) else options


def inherited(app: Celery) -> dict[str, Any]:
    """Return the options that a call inherits from its caller."""
    found: dict[str, Any] = {"reply_to": app.thread_oid}
    if app.conf.task_inherit_parent_priority and origin.get() is None:
        found["priority"] = submitters_priority(app)
    return found


def defaults(app: Celery, call: Call) -> dict[str, Any]:
    """Return the options of the registered task for a call by name."""
    if call.options.get("task_type") is not None:
        return {}
    task = registered(app, call.name)
    if task is None:
        return {}
    given = {**task._get_exec_options(), "ignore_result": task.ignore_result}
    return {name: value for name, value in given.items() if value is not None}


def insistence(app: Celery, call: Call) -> dict[str, Any]:
    """Return options that contradict the task's own: they are kept even if they are defaults."""
    task = call.options.get("task_type") or registered(app, call.name)
    insists = call.options.get("ignore_result") is False and getattr(task, "ignore_result", True)
    return {"ignore_result": False} if insists else {}


def properties_of(call: Call, found: Recognised) -> dict[str, Any]:
    """Return a job's keyword arguments; a map's job also gets how to unpack its items."""
    if found.task != MAP_TASK:
        return dict(call.kwargs)
    return {**as_dicts(dict(call.kwargs)), "star": call.name == STARMAP_TASK}


def tail_of(options: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the successors of a call's end; a chord only if no join counts it."""
    hanging = {name: options.get(name) for name in ("chain", "link", "link_error", "chord")}
    check_depth("what follows: its arguments", hanging, CANVAS_DEPTH_MAX)
    found = {name: as_dicts(many(options.get(name))) for name in ("chain", "link", "link_error")}
    chord = options.get("chord")
    found["chord"] = as_dicts(chord) if chord and not join_of(chord) else None
    return {name: value for name, value in found.items() if value} or None


def origin_of(app: Celery, options: Mapping[str, Any]) -> Origin:
    """Return the values that a call's row inherits; a given parent and root take precedence."""
    source = origin.get() or relayed(options) or submitter(app)
    return replace(
        source,
        parent_id=_given_id(options.get("parent_id")) or source.parent_id,
        root_id=_given_id(options.get("root_id")) or source.root_id,
    )


def _given_id(value: object) -> str:
    return id_of(value) if value else ""

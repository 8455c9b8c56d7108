"""Options of a call that are kept in the job's row, for its messages and its successors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.canvas.freezing.calls import LOCAL_OPTIONS, eta_of
from offload.canvas.freezing.signatures import EPOCH_OPTION, JOIN_OPTION, join_of
from offload.core.envelopes import HEADER
from offload.core.matching.call_placement import OPTION as PLACEMENT
from offload.core.validation.bounds import TIME_LIMIT
from offload.messaging.names import AFFINITY_OPTION, INPUTS_OPTION, STEP_OPTION, TOPIC_OPTION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from celery import Celery

#: The name of a run's step, among the options in its job's row.
STEP = "step"
TIME_LIMITS = ("time_limit", "soft_time_limit")
#: Options from which the job's messages and successors are made later.
KEPT_OPTIONS = (
    "group_id", "group_index", "reply_to", "time_limit", "soft_time_limit", "shadow", "headers",
    "stamped_headers", "replaced_task_nesting", "serializer", "compression", "priority",
    "argsrepr", "kwargsrepr", "ignore_result", "eta",
)  # fmt: skip
#: Of these, the ones that mean something even if they are 0 or an empty text.
EVEN_EMPTY = ("group_index", "argsrepr", "kwargsrepr")
#: Options with another meaning to Celery, or that must not reach the broker. All others become
#: properties of the message, as in Celery.
UNDERSTOOD_OPTIONS = LOCAL_OPTIONS | {
    *KEPT_OPTIONS, TOPIC_OPTION, STEP_OPTION, INPUTS_OPTION, AFFINITY_OPTION, JOIN_OPTION,
    EPOCH_OPTION, PLACEMENT,
    "countdown", "expires", "retries", "origin", "task_id", "root_id",
    "parent_id", "link", "link_error", "callbacks", "errbacks", "chain", "chord", "immutable",
    "queue", "exchange", "exchange_type", "routing_key", "route_name", "delivery_mode", "declare",
    "event_dispatcher", "retry", "retry_policy", "timeout", "confirm_timeout", "expiration",
    "immediate", "mandatory", "create_sent_event", "now", "timezone", "properties", "join",
    "correlation_id", "redelivered", "body",
}  # fmt: skip


def kept(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are kept in a job's row."""
    found = {name: options[name] for name in KEPT_OPTIONS if options.get(name)}
    found |= {name: options[name] for name in EVEN_EMPTY if options.get(name) is not None}
    found |= {name: TIME_LIMIT.nearest(found[name]) for name in TIME_LIMITS if name in found}
    found |= {stamp: options[stamp] for stamp in found.get("stamped_headers", ())}
    properties = {**(options.get("properties") or {}), **message_properties(options)}
    if properties:
        found["properties"] = properties
    if isinstance(options.get(STEP_OPTION), str):
        found[STEP] = options[STEP_OPTION]
        if options.get(INPUTS_OPTION):
            found["step_inputs"] = list(options[INPUTS_OPTION])
        if options.get(AFFINITY_OPTION):
            found["affinity"] = options[AFFINITY_OPTION]
    join = join_of(options.get("chord"))
    return {**found, "join": join} if join else found


def message_properties(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the caller's properties for the message, such as `app_id`."""
    known = UNDERSTOOD_OPTIONS.union(options.get("stamped_headers") or ())
    return {
        name: value
        for name, value in options.items()
        if name not in known and isinstance(value, str | int | float)
    }


def asked_anew(app: Celery, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a retry gives; the others stay unchanged.

    Celery takes the headers from the message, and so our own with them.
    """
    given = {name: value for name, value in options.items() if value is not None}
    headers = {
        name: value for name, value in (given.get("headers") or {}).items() if name != HEADER
    }
    return kept({**given, "headers": headers, "eta": eta_of(app, given)})

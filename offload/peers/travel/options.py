"""Options of a call: which of them travel with a job, and which come back.

What arrives is another cluster's word. Options become arguments and headers of messages, so only
these get through, and none that would name another task or something that follows the job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.canvas.freezing.options import TIME_LIMITS, UNDERSTOOD_OPTIONS
from offload.core.envelopes import HEADER
from offload.core.validation.bounds import TIME_LIMIT
from offload.queues.own_retries import RETRY_OPTION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: The option of a clone that says whether no other run of home's queue may overlap with it.
LIMITED_OPTION = "offload_limited_at_home"
#: The detail of a report that a run asked for a canvas in its place.
REPLACES = "replaces"
#: The detail of what a lost run wanted: memory, if the kernel killed it.
SHORTAGE = "shortage"
#: A clone has one attempt, and its cluster keeps no result of it.
OF_CLONES: Mapping[str, Any] = {"ignore_result": True, RETRY_OPTION: {"retries": 0}}
#: The headers that Celery writes itself.
CELERY_HEADERS = frozenset(
    {
        "lang", "task", "id", "shadow", "eta", "expires", "group", "group_index", "retries",
        "timelimit", "root_id", "parent_id", "argsrepr", "kwargsrepr", "origin", "ignore_result",
        "replaced_task_nesting", "stamped_headers", "stamps", HEADER,
    }
)  # fmt: skip
#: Names that no stamp may have: Celery would take it for something else.
NO_STAMPS = UNDERSTOOD_OPTIONS | {"name", "args", "kwargs", "task", "task_id"}


def travelling(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a run in another cluster needs; drop what is not fit to travel."""
    found = {name: options[name] for name, fits in _FIT.items() if fits(options.get(name))}
    found |= {name: TIME_LIMIT.nearest(found[name]) for name in TIME_LIMITS if name in found}
    if "headers" in found:
        found["headers"] = _headers(found["headers"])
    if "stamped_headers" in found:
        names = [one for one in found["stamped_headers"] if one not in NO_STAMPS]
        found |= {"stamped_headers": names, **{one: options.get(one) for one in names}}
    return found


def of_clone(options: Mapping[str, Any], *, is_limited: bool) -> dict[str, Any]:
    """Return the options of the clone of a job that came with these."""
    limited = {LIMITED_OPTION: True} if is_limited else {}
    return {**travelling(options), **OF_CLONES, **limited}


def _headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in headers.items() if name not in CELERY_HEADERS}


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_object(value: object) -> bool:
    return isinstance(value, dict) and bool(value)


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(map(_is_text, value))


_FIT: Mapping[str, Callable[[object], bool]] = {
    "time_limit": _is_number,
    "soft_time_limit": _is_number,
    "group_id": _is_text,
    "group_index": _is_count,
    "shadow": _is_text,
    "headers": _is_object,
    "stamped_headers": _is_list_of_texts,
    "replaced_task_nesting": _is_count,
    "serializer": _is_text,
    "compression": _is_text,
    "argsrepr": _is_text,
    "kwargsrepr": _is_text,
}

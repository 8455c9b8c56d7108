"""Checks of a call before it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kombu.utils.json import dumps

from offload.canvas.freezing.calls import check_moment
from offload.canvas.freezing.options import TIME_LIMITS
from offload.conf import settings
from offload.core.exceptions import InvalidProperties
from offload.core.matching import call_placement
from offload.core.matching.call_placement import CallPlacement
from offload.core.validation.ids import id_of
from offload.core.validation.job_properties import DEPTH_MAX, is_nested_deeper
from offload.core.validation.options import check_limits, check_priority

if TYPE_CHECKING:
    from celery import Celery

    from offload.canvas.freezing.calls import Call

#: Largest remaining canvas that one row carries, in bytes of JSON.
TAIL_BYTES_MAX = 16 << 20


def check(call: Call, tail: Mapping[str, Any] | None) -> None:
    """Raise InvalidProperties for a call that cannot be stored, InvalidId for a step's id."""
    # One level for the list, one for the arguments in it.
    check_depth("arguments", [call.args, call.kwargs], DEPTH_MAX, around=2)
    check_successors(tail)
    limit = settings().max_properties
    for path, value, most in (
        ("arguments", [call.args, call.kwargs], limit),
        ("canvas", tail, TAIL_BYTES_MAX),
    ):
        size = len(_encoded(path, value))
        if size > most:
            problem = f"has {size} bytes as JSON, {most} are allowed"
            raise InvalidProperties(path=path, problem=problem)


def check_depth(path: str, value: object, most: int, *, around: int = 0) -> None:
    """Raise InvalidProperties if a value is nested deeper than allowed."""
    if is_nested_deeper(value, most + around):
        raise InvalidProperties(path=path, problem=f"are nested more than {most} deep")


def check_successors(tail: Mapping[str, Any] | None) -> None:
    """Raise InvalidId if the id of a successor cannot be stored.

    Raise InvalidPlacement, InvalidRequirement or InvalidPreference for what one cannot ask for.
    """
    pending: list[Any] = [tail]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            pending.extend(value.values())
            given = value["options"] if "task" in value and "options" in value else None
            if isinstance(given, Mapping) and given.get("task_id") is not None:
                id_of(given["task_id"])
            if isinstance(given, Mapping) and call_placement.OPTION in given:
                CallPlacement.of(given[call_placement.OPTION])
        elif isinstance(value, list | tuple):
            pending.extend(value)


def check_options(app: Celery, options: Mapping[str, Any]) -> None:
    """Raise InvalidDelay, InvalidPriority or InvalidNumber for options that cannot be kept."""
    check_priority(options.get("priority") or 0)
    check_limits(*(options.get(name) for name in TIME_LIMITS))
    for name in ("countdown", "eta", "expires"):
        check_moment(app, name, options.get(name))


def _encoded(path: str, value: Any) -> str:
    try:
        return dumps(value)
    except RecursionError as error:
        raise InvalidProperties(path=path, problem="is nested too deeply") from error
    except (TypeError, ValueError) as error:
        raise InvalidProperties(path=path, problem=f"cannot be JSON: {error!s:.300}") from error

"""Celery's context of a run, from which its backends take further facts about a result."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from celery.app.task import Context
from celery.result import result_from_tuple

from offload.messaging.installation import celery_app

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.results.result_backend import Result


def request_of(result: Result) -> Any:
    """Return the context of the result's run, or its known facts."""
    if result.request is not None:
        return result.request
    children = [result_from_tuple(child, app=celery_app()) for child in result.children]
    return Context(
        {
            **result.known,
            "id": result.task_id,
            "task": result.task,
            "argsrepr": result.argsrepr,
            "kwargsrepr": result.kwargsrepr,
            "hostname": result.worker,
            "reply_to": result.reply_to,
            "correlation_id": result.task_id,
            "_children": children,
        }
    )


def with_given_texts(request: Any, options: Mapping[str, Any]) -> Any:
    """Return a context with the texts that the call gave for its arguments, if any, in their place.

    Celery's backends outside Django's databases would store arguments that the call hides.
    """
    texts = {name: options.get(f"{name}repr") for name in ("args", "kwargs")}
    known = {name: text for name, text in texts.items() if text is not None}
    if known:
        request = copy(request)
        vars(request).update(known)
    return request

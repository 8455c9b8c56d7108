"""The facts of a job's message that a claim and an end need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.app.task import Context

from offload.core.envelopes import HEADER, Envelope
from offload.jobs.claims import MessageFacts

if TYPE_CHECKING:
    from collections.abc import Mapping


def facts_of(task: Any, request: Mapping[str, Any], incarnation: str) -> MessageFacts:
    """Return the facts of a message, for a claim by this incarnation of its worker."""
    silent = Envelope.read(request[HEADER]).is_silent
    return MessageFacts(
        task=task.name,
        argsrepr=request.get("argsrepr") or "",
        kwargsrepr=request.get("kwargsrepr") or "",
        worker=request.get("hostname") or "",
        incarnation=incarnation,
        is_silent=bool(task.ignore_result if silent is None else silent),
        reruns=bool(task.rerun),
        rescue=task.rescue,
        request=_context(request),
    )


def _context(request: Mapping[str, Any]) -> Context:
    """Return Celery's context of a message without a site's own headers.

    Sorting those out costs more than the rest of an attempt's start, which does not need them; its
    end has Celery's own context.
    """
    found = Context.__new__(Context)
    vars(found).update(request)
    return found

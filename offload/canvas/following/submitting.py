"""Submitting a job's successors through Celery's own canvas code."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError

from offload.canvas.batches import gathering
from offload.canvas.failing import NodeResult, UpstreamFailure, fail
from offload.core.texts import as_text, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from celery import Celery
    from celery.canvas import Signature

logger = logging.getLogger("offload.canvas")


def applied(
    app: Celery,
    successor: Signature[Any],
    args: Sequence[Any] = (),
    *,
    rest: Sequence[Any] = (),
    **options: Any,
) -> list[NodeResult]:
    """Submit a signature, and a chain's ``rest`` behind it; return what ended instead."""
    chain: dict[str, Any] = {"chain": list(rest)} if rest else {}
    return isolated(
        app,
        [*rest, successor],
        lambda: successor.apply_async(tuple(args), **chain, **options),
    )


def isolated(
    app: Celery, nodes: Sequence[Mapping[str, Any]], submit: Callable[[], object]
) -> list[NodeResult]:
    """Submit these nodes, the first to run last; return what ended instead.

    A node that cannot be submitted, for an invalid topic for example, ends with the error, and
    so do the nodes after it. Nodes that ended before it keep their own end. Raise only
    DatabaseError, after which nothing of the transaction is valid.
    """
    with gathering() as batch:
        try:
            with batch.whole():
                submit()
        except DatabaseError:
            raise
        except Exception as error:
            logger.exception("%s cannot be submitted", nodes[-1].get("task"))
            cause = UpstreamFailure(
                state="ERROR", error_type=place_of(type(error)), error=as_text(error)
            )
            return fail(app, nodes, cause)
    return []

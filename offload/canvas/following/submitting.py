"""Submitting what follows an end, by Celery's own canvas code."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError

from offload.canvas.batches import gathering
from offload.canvas.failing import NodeResult, UpstreamFailure, fail
from offload.core.texts import place_of, told

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

    What cannot be submitted, such as a topic that is none, ends with the error, and so does
    its rest: what ended before it has its own end all the same. Raise DatabaseError alone:
    then nothing of the transaction holds.
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
                state="ERROR", error_type=place_of(type(error)), error=told(error)
            )
            return fail(app, nodes, cause)
    return []

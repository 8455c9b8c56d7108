"""Submitting what follows an end, by Celery's own canvas code."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError

from offload.engine.canvas.batches import gathering
from offload.engine.canvas.failing import Cause, Part, fail

if TYPE_CHECKING:
    from collections.abc import Sequence

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
) -> list[Part]:
    """Submit a signature, and a chain's ``rest`` behind it.

    What cannot be submitted, such as a topic that is none, ends with the error, and so does
    its rest: the job before it has succeeded all the same. Return the ends.
    """
    chain: dict[str, Any] = {"chain": list(rest)} if rest else {}
    with gathering() as batch:
        try:
            with batch.whole():
                successor.apply_async(tuple(args), **chain, **options)
        except DatabaseError:
            raise
        except Exception as error:
            logger.exception("%s cannot be submitted", successor.task)
            return fail(app, [*rest, successor], _cause(error))
    return []


def _cause(error: Exception) -> Cause:
    kind = type(error)
    return Cause(
        state="ERROR", error_type=f"{kind.__module__}.{kind.__qualname__}", error=str(error)
    )

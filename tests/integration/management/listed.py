"""Jobs as a terminal lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.retries import Cause, decide
from offload.fleet.snapshots import snapshot
from offload.tracking import finishing
from tests.integration.world import BROKE, Running

if TYPE_CHECKING:
    from offload.core.outcomes import ErrorInfo


def ids(answer: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in answer]


def requeue(run: Running, error: ErrorInfo = BROKE) -> None:
    """End the attempt of a job by a failure that leaves it retries."""
    decision = decide(snapshot().default.retry, cause=Cause.FAILED, failures=0, crashes=0)
    finishing.requeue(run.key, decision, error, cause=Cause.FAILED)

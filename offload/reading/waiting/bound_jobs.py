"""Bound jobs that have not begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.conf import peers
from offload.core.texts import counted

if TYPE_CHECKING:
    from offload.models import Job

#: A job that was sent so often without beginning gets a sentence of its own.
SENT_OFTEN_TIMES = 3


def sentence(job: Job) -> str:
    """Say what a bound job waits for; its message is only resent while a process is free."""
    if job.peer is not None and job.peer not in peers().by_name:
        return (
            f"It is bound to {job.instance}, and PEERS does not name {job.peer} any more: it is "
            "given back once nothing was heard from there for the timeout."
        )
    if job.peer is not None:
        sent = counted(job.publishes, "time", "times")
        return f"It is bound to {job.instance}, was sent to {job.peer} {sent}, and has not begun."
    if job.publishes < SENT_OFTEN_TIMES - 1:
        return f"It is bound to {job.instance} and begins when a process there is free."
    return (
        f"It was sent to {job.instance} {job.publishes + 1} times and has not begun. "
        "Look at the log of that worker."
    )

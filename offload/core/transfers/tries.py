"""Decisions on a transfer whose try failed: another try after a pause, or the end."""

from __future__ import annotations

from dataclasses import dataclass

from offload.core.retries import RetryPolicy

#: Responses with these codes, and with any from 500 on, may differ at the next try (RFC 9110,
#: RFC 8470, RFC 6585).
RETRIED_STATUSES = frozenset({408, 425, 429})
SERVER_ERROR = 500
#: Longest pause in seconds that the other site may ask for.
RETRY_AFTER_MAX = 300.0
RETRY = RetryPolicy(retries=6, delay=0.5, backoff=2.0, max_delay=60.0, jitter=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferPolicy:
    """How often one file is tried, and how long all of it may take."""

    #: Tries in a row without a new byte, and the pauses between them.
    retry: RetryPolicy = RETRY
    #: Times that all bytes may turn out to be others than announced.
    corrupt: int = 3
    #: Seconds that one file may take, pauses included.
    timeout: float = 3_600.0


def may_differ_next_time(status: int) -> bool:
    """Return whether a request that got this response may succeed if it is sent again."""
    return status in RETRIED_STATUSES or status >= SERVER_ERROR


def pause(
    policy: TransferPolicy, *, failures: int, retry_after: float | None, draw: float
) -> float | None:
    """Return the seconds until the next try, or None if there is none.

    ``failures`` counts those in a row without a new byte; a file that has grown counts as 1.
    ``draw``, at random from 0 to 1, is the part of the jitter that is subtracted. The other site's
    ``retry_after`` is a least pause.
    """
    if failures > policy.retry.retries:
        return None
    asked = min(max(retry_after or 0.0, 0.0), RETRY_AFTER_MAX)
    return max(policy.retry.wait(failures, draw), asked)

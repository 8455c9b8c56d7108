"""A message of a job at the gate before the pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.worker.group_messages import ClaimRequest, TaskFacts

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.core.attempt_key import AttemptKey


@dataclass(slots=True, eq=False)
class GatedJob:
    """A message of a job that is here and has not ended."""

    key: AttemptKey
    request: Any
    #: Hands it to the pool.
    begin: Callable[[], Any]
    #: The time of its grant.
    granted_at: float = 0.0

    @property
    def claim_request(self) -> ClaimRequest:
        """Return the request to claim it."""
        return ClaimRequest(self.key, TaskFacts.of(self.request.task), self.request.request_dict)

"""The key of an attempt: every write by the attempt matches all three parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offload.core import tokens

if TYPE_CHECKING:
    from offload.core.envelopes import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptKey:
    """The job, the epoch of its binding, and the token of the run that claimed it."""

    job_id: str
    epoch: int
    #: The digest of the attempt's secret, as stored in the row.
    token: str
    #: Known only to the attempt, and to whoever has its token.
    secret: str = field(default="", repr=False)

    @property
    def binding(self) -> Key:
        """Return the binding that the attempt is of."""
        return self.job_id, self.epoch

    @classmethod
    def by(cls, secret: str, *, job_id: str, epoch: int) -> AttemptKey:
        """Return the key of the attempt with this secret."""
        return cls(job_id=job_id, epoch=epoch, token=tokens.digest(secret), secret=secret)

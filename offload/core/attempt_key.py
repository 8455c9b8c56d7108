"""The key of an attempt: every write by the attempt matches all three parts."""

from __future__ import annotations

from dataclasses import dataclass, field

from offload.core import tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptKey:
    """The job, the epoch of its binding, and the token of the run that claimed it."""

    job_id: str
    epoch: int
    #: As the row holds it: the digest of the attempt's secret.
    token: str
    #: Known to the attempt itself, and to whoever it gave its token.
    secret: str = field(default="", repr=False)

    @classmethod
    def by(cls, secret: str, *, job_id: str, epoch: int) -> AttemptKey:
        """Return the key of the attempt that this is the secret of."""
        return cls(job_id=job_id, epoch=epoch, token=tokens.digest(secret), secret=secret)

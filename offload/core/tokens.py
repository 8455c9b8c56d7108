"""Tokens: of a handed-over job, its id, epoch and secret in one text; of a step, run and name.

Only the token and the run that made it hold the secret. The job's row holds a digest, so reading
the database, or a copy of it, lets nobody end the job.
"""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import Any, NamedTuple

from offload.core.exceptions import InvalidToken
from offload.core.validation.ids import is_epoch, is_id, is_storable

#: Longest secret, in characters.
SECRET_MAX = 36


class Token(NamedTuple):
    """The key that an end from outside the worker must match."""

    job_id: str
    epoch: int
    secret: str

    def __str__(self) -> str:
        """Return the text; it has only letters, digits, ``-`` and ``_``."""
        return _written(self)


class StepToken(NamedTuple):
    """The key that ends a step which waits for its token; nothing of it is stored."""

    run_id: str
    step: str
    secret: str

    def __str__(self) -> str:
        """Return the text; it has only letters, digits, ``-`` and ``_``."""
        return _written([*self, STEP])


#: Last part of a step's token.
STEP = "step"


def _written(parts: object) -> str:
    return urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def new_secret() -> str:
    """Return a random secret."""
    return secrets.token_hex(16)


def digest(secret: str) -> str:
    """Return the digest of a secret that a job's row holds, to verify the secret."""
    return blake2b(secret.encode(), digest_size=16).hexdigest()


def read(text: object) -> Token | StepToken:
    """Parse a token; raise InvalidToken if the text is not one."""
    match _parts(text):
        case [str(run_id), str(step), str(secret), str(kind)] if kind == STEP:
            if is_id(run_id) and is_storable(step) and _is_secret(secret):
                return StepToken(run_id, step, secret)
            raise InvalidToken(problem="it does not hold a run, a step and a secret")
        case [job_id, epoch, secret]:
            if is_id(job_id) and _is_secret(secret) and is_epoch(epoch):
                return Token(job_id, epoch, secret)
            raise InvalidToken(problem="it does not hold an id, an epoch and a secret")
    raise InvalidToken(problem="it is cut, changed, or something else")


def _parts(text: object) -> Any:
    if not isinstance(text, str):
        raise InvalidToken(problem=f"it is of type {type(text).__name__}, not a text")
    try:
        return json.loads(urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
    except (ValueError, TypeError, RecursionError):
        return None


def _is_secret(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= SECRET_MAX and is_storable(value)

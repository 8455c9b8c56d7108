"""The token of a job that was handed over: one text for its id, its epoch and its secret.

The secret is nowhere but in the token and in the run that made it: the job's row holds a digest
of it, so that whoever reads the database, or a copy of it, can end nothing.
"""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import NamedTuple

from offload.core.exceptions import InvalidToken
from offload.core.validation.ids import is_epoch, is_id, is_storable

#: Characters: no secret is longer.
SECRET_MAX = 36


class Token(NamedTuple):
    """The key that an end from outside must match."""

    job_id: str
    epoch: int
    secret: str

    def __str__(self) -> str:
        """Return the text, of letters, digits, ``-`` and ``_`` alone."""
        return urlsafe_b64encode(json.dumps(self).encode()).decode().rstrip("=")


def new_secret() -> str:
    """Return a secret that nobody guesses."""
    return secrets.token_hex(16)


def digest(secret: str) -> str:
    """Return what a job's row holds of a secret: enough to recognise it, not to say it."""
    return blake2b(secret.encode(), digest_size=16).hexdigest()


def read(text: object) -> Token:
    """Return what a token says; raise InvalidToken for what is none."""
    if not isinstance(text, str):
        raise InvalidToken(problem=f"it is of type {type(text).__name__}, not a text")
    try:
        said = json.loads(urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
        job_id, epoch, secret = said
    except (ValueError, TypeError, RecursionError):
        raise InvalidToken(problem="it is cut, changed, or something else") from None
    if not (is_id(job_id) and _is_secret(secret) and is_epoch(epoch)):
        raise InvalidToken(problem="it does not hold an id, an epoch and a secret")
    return Token(job_id, epoch, secret)


def _is_secret(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= SECRET_MAX and is_storable(value)

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

#: Characters: no id is longer, nor is a secret.
LONGEST = {"job_id": 255, "secret": 36}
#: What the column of epochs holds.
LARGEST = 2**31 - 1


class Token(NamedTuple):
    """What an end from outside must match."""

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
    if not (_is_key(job_id, "job_id") and _is_key(secret, "secret") and _is_epoch(epoch)):
        raise InvalidToken(problem="it does not hold an id, an epoch and a secret")
    return Token(job_id, epoch, secret)


def _is_key(value: object, name: str) -> bool:
    """Return whether a value is a text that every database can look for."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST[name]:
        return False
    return "\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value)


def _is_epoch(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST

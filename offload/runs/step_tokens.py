"""Tokens of steps: made from run and name by the site's secret key, so that none is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from offload.core.exceptions import InvalidToken
from offload.core.tokens import SECRET_MAX, StepToken

if TYPE_CHECKING:
    from collections.abc import Iterator

SALT = "offload.runs.step_tokens"


def token_of(run_id: str, step: str) -> str:
    """Return the token of a run's step."""
    return str(StepToken(run_id, step, _secret(run_id, step, settings.SECRET_KEY)))


def check(token: StepToken) -> None:
    """Raise InvalidToken unless this site made the token."""
    if not any(constant_time_compare(one, token.secret) for one in _secrets(token)):
        raise InvalidToken(problem="it is of another site, or changed")


def _secrets(token: StepToken) -> Iterator[str]:
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield _secret(token.run_id, token.step, key)


def _secret(run_id: str, step: str, key: str | bytes) -> str:
    made = salted_hmac(SALT, f"{run_id} {step}", secret=key, algorithm="sha256")
    return made.hexdigest()[:SECRET_MAX]

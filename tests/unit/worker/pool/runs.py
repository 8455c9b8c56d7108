"""Runs, and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.worker.pool.outcome import outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.core.outcomes import Outcome


def fine(value: object) -> None:
    """Encode anything."""


def raising(error: BaseException) -> Callable[[], Any]:
    """Return a run that raises."""

    def run() -> None:
        raise error

    return run


def came_to(error: BaseException) -> Outcome:
    """Return what a run that raised came to; the error is handed on."""
    outcome, said = outcome_of(raising(error), fine)
    assert said is error
    return outcome

"""Signals of offload: sent after commit, robustly; a failing receiver breaks nothing.

Every signal's sender is ``None``.
"""

from __future__ import annotations

from django.dispatch import Signal

__all__ = ["alarm", "instance_changed", "job_changed", "stale_attempt"]

#: A job changed its state. Arguments: ``job_id``, ``old``, ``new``, ``epoch``.
job_changed = Signal()
#: An instance changed its mode. Arguments: ``name``, ``incarnation``, ``mode``, ``reason``.
instance_changed = Signal()
#: An attempt's write was refused, since the job has moved on; or its message came too late to begin
#: one, as when an instance drains. Arguments: ``job_id``, ``epoch``, ``began``.
stale_attempt = Signal()
#: Something an operator should know. Arguments: ``fact``, ``next_step``.
alarm = Signal()


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__

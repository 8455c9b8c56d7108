"""What offload tells: sent after commit, robustly; a failing receiver breaks nothing.

Every signal's sender is ``None``.
"""

from __future__ import annotations

from django.dispatch import Signal

#: A job changed its state. Arguments: ``job_id``, ``old``, ``new``, ``epoch``.
job_changed = Signal()
#: An instance changed its mode. Arguments: ``name``, ``incarnation``, ``mode``, ``reason``.
instance_changed = Signal()
#: An attempt's write was refused, since the job has moved on. Arguments: ``job_id``, ``epoch``.
stale_attempt = Signal()
#: Something an operator should know. Arguments: ``fact``, ``next_step``.
alarm = Signal()

"""offload in Django's admin: rules, switches and queues can be edited, the rest only viewed."""

from __future__ import annotations

from offload.admin import instances, jobs, queues, rules, viewers

__all__ = ["instances", "jobs", "queues", "rules", "viewers"]

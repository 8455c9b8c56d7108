"""Offload in Django's admin: rules, switches and queues are edited, all else is looked at."""

from __future__ import annotations

from offload.admin import instances, jobs, queues, routing, viewers

__all__ = ["instances", "jobs", "queues", "routing", "viewers"]

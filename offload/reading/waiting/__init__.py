"""Why jobs wait: verdicts on instances, the outlook for a job, and stalled jobs."""

from __future__ import annotations

__all__ = ["bound_jobs", "explain", "explanation", "stalls", "verdicts", "where_it_ran"]

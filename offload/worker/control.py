"""Celery's remote control, where it means jobs."""

from __future__ import annotations

from typing import Any

from celery.app.control import Control

from offload.worker.late import late

STOP_JOBS = "offload.engine.stopping:stop_jobs"


class JobControl(Control):
    """Turns the revoking of a job into a request to stop it.

    A revoked id would be refused by every worker for hours, also where the job runs again.
    """

    def revoke(self, task_id: Any, *args: Any, **kwargs: Any) -> Any:
        """Stop what are jobs; revoke the rest as Celery does."""
        ids = list(task_id) if isinstance(task_id, list | tuple | set) else [task_id]
        jobs = late(STOP_JOBS)(ids)
        rest = [one for one in ids if one not in jobs]
        return super().revoke(rest, *args, **kwargs) if rest else None

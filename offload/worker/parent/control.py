"""Celery's remote control, applied to jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.app.control import Control

from offload.core.lazy import load

if TYPE_CHECKING:
    from collections.abc import Mapping

STOP_JOBS = "offload.jobs.stopping:stop_jobs"
STOP_STAMPED = "offload.jobs.stopping:stop_stamped"
#: The command that ends tasks by their stamps.
REVOKE_BY_STAMPS = "revoke_by_stamped_headers"
#: The commands that end tasks by their ids.
REVOKING_COMMANDS = frozenset({"revoke", "terminate"})
#: The name in replies about jobs, which are stopped in the database.
ANSWERING_NAME = "offload"


class JobControl(Control):
    """Turns revoking and terminating of jobs into requests to stop them (E2).

    Every worker would refuse a revoked id for hours, even when the job runs again, and a terminated
    run would count as lost. ``AsyncResult.revoke``, ``celery control revoke`` and Flower all use
    ``broadcast``.
    """

    def broadcast(
        self, command: str, arguments: Mapping[str, Any] | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Stop jobs; send everything else as Celery does.

        Terminating a job kills its process if its pool has one per job.
        """
        given = dict(arguments or {})
        if command == REVOKE_BY_STAMPS:
            return self._by_stamps(given, *args, **kwargs)
        if command not in REVOKING_COMMANDS:
            return super().broadcast(command, arguments, *args, **kwargs)
        ids = _ids(given.get("task_id"))
        jobs = load(STOP_JOBS)(ids, force=command == "terminate" or bool(given.get("terminate")))
        rest = [one for one in ids if one not in jobs]
        answers = _answer(jobs, kwargs) if jobs else []
        if not rest:
            return answers if kwargs.get("reply") else None
        sent = super().broadcast(command, {**given, "task_id": rest}, *args, **kwargs)
        return [*answers, *sent] if isinstance(sent, list) else sent

    def _by_stamps(self, given: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Stop the jobs with these stamps; tell the workers too, which know plain tasks."""
        jobs = load(STOP_STAMPED)(given.get("headers") or {}, force=bool(given.get("terminate")))
        answers = _answer(jobs, kwargs) if jobs else []
        sent = super().broadcast(REVOKE_BY_STAMPS, given, *args, **kwargs)
        return [*answers, *sent] if isinstance(sent, list) else sent


def _ids(task_id: Any) -> list[str]:
    """Return one id, or several, as a list."""
    if task_id is None:
        return []
    return list(task_id) if isinstance(task_id, list | tuple | set) else [task_id]


def _answer(jobs: set[str], asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the reply of a worker, and pass it to the caller's callback."""
    reply = {ANSWERING_NAME: {"ok": f"jobs asked to stop: {', '.join(sorted(jobs))}"}}
    callback = asked.get("callback")
    if callback is not None:
        callback(reply)
    return [reply]

"""Celery's remote control, where it means jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.app.control import Control

from offload.worker.lazy import lazy

if TYPE_CHECKING:
    from collections.abc import Mapping

STOP_JOBS = "offload.jobs.stopping:stop_jobs"
STOP_STAMPED = "offload.jobs.stopping:stop_stamped"
#: The command that ends tasks by what was stamped on them.
REVOKE_BY_STAMPS = "revoke_by_stamped_headers"
#: The commands that end tasks by their ids.
REVOKING_COMMANDS = frozenset({"revoke", "terminate"})
#: Who answers for jobs: they are stopped in the database, whatever workers say.
ANSWERING_NAME = "offload"


class JobControl(Control):
    """Turns the revoking and terminating of jobs into requests to stop them (E2).

    A revoked id would be refused by every worker for hours, also where the job runs again, and
    a terminated run would be taken for a lost one. Everything ends at ``broadcast``:
    ``AsyncResult.revoke``, ``celery control revoke``, Flower.
    """

    def broadcast(
        self, command: str, arguments: Mapping[str, Any] | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Stop what are jobs; send the rest as Celery does.

        Terminating a job kills its process, where its pool has one for it.
        """
        given = dict(arguments or {})
        if command == REVOKE_BY_STAMPS:
            return self._by_stamps(given, *args, **kwargs)
        if command not in REVOKING_COMMANDS:
            return super().broadcast(command, arguments, *args, **kwargs)
        ids = _ids(given.get("task_id"))
        jobs = lazy(STOP_JOBS)(ids, force=command == "terminate" or bool(given.get("terminate")))
        rest = [one for one in ids if one not in jobs]
        told = _answer(jobs, kwargs) if jobs else []
        if not rest:
            return told if kwargs.get("reply") else None
        sent = super().broadcast(command, {**given, "task_id": rest}, *args, **kwargs)
        return [*told, *sent] if isinstance(sent, list) else sent

    def _by_stamps(self, given: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Stop the jobs with these stamps; workers are told too, for they know plain tasks."""
        jobs = lazy(STOP_STAMPED)(given.get("headers") or {}, force=bool(given.get("terminate")))
        told = _answer(jobs, kwargs) if jobs else []
        sent = super().broadcast(REVOKE_BY_STAMPS, given, *args, **kwargs)
        return [*told, *sent] if isinstance(sent, list) else sent


def _ids(task_id: Any) -> list[str]:
    """Return ids as a list: one id, or several, are given."""
    if task_id is None:
        return []
    return list(task_id) if isinstance(task_id, list | tuple | set) else [task_id]


def _answer(jobs: set[str], asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a worker would reply, and tell it to who waits for replies."""
    reply = {ANSWERING_NAME: {"ok": f"jobs asked to stop: {', '.join(sorted(jobs))}"}}
    callback = asked.get("callback")
    if callback is not None:
        callback(reply)
    return [reply]

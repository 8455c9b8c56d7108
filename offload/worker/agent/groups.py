"""The agent's thread that claims jobs, and writes ends, in groups for its worker."""

from __future__ import annotations

import logging
import os
import threading
import time
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING

from django.db import Error, InterfaceError, OperationalError

from offload.jobs.groups import group_beginnings, group_endings
from offload.jobs.groups.group_endings import EndVerdict
from offload.jobs.late_messages import why_late
from offload.tracking.selectors import Holder
from offload.tracking.state_changes import send_stale
from offload.worker.connections import RETRY_SECONDS, drop_broken
from offload.worker.end_rate import EndRate
from offload.worker.group_messages import GrantedClaim, ToAgent, ToParent
from offload.worker.liveness import boottime
from offload.worker.message_facts import facts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from offload.core.attempt_key import AttemptKey
    from offload.core.outcomes import PreparedEnd
    from offload.worker.agent.heartbeat import Heartbeat
    from offload.worker.group_messages import ClaimRequest

logger = logging.getLogger("offload.agent")

#: Ends per second beyond which groups are gathered, and how many seconds after the last one.
BUSY_PER_SECOND, GATHER_SECONDS = 100, 0.005
OUTAGES = (OperationalError, InterfaceError)


class Groups(threading.Thread):
    """Takes what the parent process asks for, as one group whatever has come meanwhile."""

    def __init__(
        self, descriptor: int, heartbeat: Heartbeat, ended: Callable[[], object] = lambda: None
    ) -> None:
        """Take the agent's end of the channel; ``ended`` is called after runs have ended."""
        super().__init__(name="groups", daemon=True)
        self._connection = Connection(descriptor)
        self._heartbeat = heartbeat
        self._tell_ended = ended
        self._ends: list[PreparedEnd] = []
        self._withdrawn: list[AttemptKey] = []
        self._asked: list[ClaimRequest] = []
        self._is_leaving = False
        self._pace = EndRate()
        self._acted_at = 0.0
        self._wakeup = os.eventfd(0)

    @property
    def _has_work(self) -> bool:
        return bool(self._ends or self._withdrawn or self._asked)

    def run(self) -> None:
        """Take groups until the worker leaves."""
        while True:
            try:
                self._collect()
            except (EOFError, OSError):
                self._is_leaving = True
            if self._is_leaving:
                self._asked = []
                if not self._has_work:
                    return
            self._act()

    def finish(self, seconds: float) -> None:
        """Write the ends that have come, begin nothing more, and stop within these seconds."""
        self._is_leaving = True
        os.eventfd_write(self._wakeup, 1)
        if self.is_alive():
            self.join(seconds)

    def _collect(self) -> None:
        """Wait for something to do, and take all that there is."""
        wait([self._connection, self._wakeup], 0 if self._has_work else None)
        if self._pace.per_second > BUSY_PER_SECOND:
            # Whatever comes within this time goes together.
            since = time.monotonic() - self._acted_at
            time.sleep(max(0.0, GATHER_SECONDS - since))
        while self._connection.poll(0):
            said: ToAgent = self._connection.recv()
            self._ends += said.ends
            self._withdrawn += said.withdrawn
            self._asked += said.asked

    def _act(self) -> None:
        """Do everything there is to do; keep what an outage of the database prevents."""
        self._acted_at = time.monotonic()
        self._pace.count(len(self._ends))
        try:
            self._end()
            self._undo()
            self._claim()
        except OUTAGES as error:
            logger.warning("a group of runs is tried again: %s", error)
            drop_broken()
            time.sleep(RETRY_SECONDS)
        except (EOFError, OSError):
            self._is_leaving = True
        except Exception as error:
            logger.exception("a group of runs failed")
            self._refuse_all(f"its agent failed: {type(error).__name__}")
            time.sleep(RETRY_SECONDS)

    def _end(self) -> None:
        if not self._ends:
            return
        group = list(self._ends)
        verdicts = self._written(group)
        del self._ends[: len(group)]
        for end in group:
            if verdicts[end.key.job_id] is EndVerdict.STALE:
                send_stale(end.key)
        self._connection.send(ToParent(ended=[end.key for end in group]))
        self._tell_ended()

    def _written(self, group: Sequence[PreparedEnd]) -> dict[str, EndVerdict]:
        """Write ends together, or one by one if one of them cannot be stored."""
        try:
            return dict(group_endings.end_all(group))
        except OUTAGES:
            raise
        except (Error, ValueError, TypeError) as error:
            if len(group) == 1:
                return {group[0].key.job_id: group_endings.fail(group[0].key, error)}
        found: dict[str, EndVerdict] = {}
        for one in group:
            found.update(self._written([one]))
        return found

    def _undo(self) -> None:
        while self._withdrawn:
            key = self._withdrawn[0]
            group_beginnings.undo(key)
            del self._withdrawn[0]
            self._connection.send(ToParent(undone=[key]))

    def _refuse_all(self, why: str) -> None:
        """Refuse what was asked for, so that the parent process goes on; messages come again."""
        refused, self._asked = {one.key: why for one in self._asked}, []
        if refused:
            self._connection.send(ToParent(refused=refused))

    def _claim(self) -> None:
        if not self._asked:
            return
        incarnation = self._heartbeat.incarnation
        holder = Holder(instance=self._heartbeat.nodename, incarnation=incarnation)
        facts = {one.key: facts_of(one.task, one.request, incarnation) for one in self._asked}
        at = boottime()
        rows = group_beginnings.begin_all(facts, holder)
        self._asked = []
        late = [key for key in facts if key not in rows]
        for key in late:
            send_stale(key, began=False)
        self._connection.send(
            ToParent(
                granted=[GrantedClaim(key, incarnation, row, at) for key, row in rows.items()],
                refused={key: why_late(key, self._heartbeat.nodename) for key in late},
            )
        )

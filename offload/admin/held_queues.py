"""Actions on selected queues: suspend, drain, resume, drop what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.utils.translation import gettext_lazy as _

from offload.admin.recorded import RecordedAdmin
from offload.operations.changes.queues import DrainQueue, DropWaiting, ResumeQueue, SuspendQueue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.http import HttpRequest

    from offload.models import Queue
    from offload.operations.changes.change import Change
    from offload.operations.changes.queues import QueueOutcome

MANAGE_QUEUE = "offload.manage_queue"


class QueueActions(RecordedAdmin):
    """The actions, for those who may manage queues."""

    actions = ("suspend", "drain", "resume", "drop")

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may suspend and resume queues."""
        return request.user.has_perm(MANAGE_QUEUE)

    @admin.action(description=_("Suspend selected queues"), permissions=["manage"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Suspend the queues: bind no more of their jobs, and take back the unstarted ones."""
        self._switch(request, [SuspendQueue(name=row.name) for row in queryset])

    @admin.action(description=_("Drain selected queues"), permissions=["manage"])
    def drain(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Drain the queues: run what is there, and let wait what comes."""
        self._switch(request, [DrainQueue(name=row.name) for row in queryset])

    @admin.action(description=_("Drop what waits in selected queues"), permissions=["manage"])
    def drop(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Drop the jobs of the queues that have not begun."""
        self._switch(request, [DropWaiting(name=row.name) for row in queryset])

    @admin.action(description=_("Resume selected queues"), permissions=["manage"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Resume the queues: bind their jobs again."""
        self._switch(request, [ResumeQueue(name=row.name) for row in queryset])

    def _switch(self, request: HttpRequest, switches: Iterable[Change[QueueOutcome]]) -> None:
        for change in switches:
            outcome = self.carry_out(request, change)
            self.message_user(request, outcome.sentence, messages.SUCCESS)

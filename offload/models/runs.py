"""Runs: executions of workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from offload.core.workflows import plans
from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow, JsonText, KeyField

if TYPE_CHECKING:
    from offload.core.workflows.graphs import Graph
    from offload.core.workflows.plans import Plan


class Run(models.Model):
    """One execution of a named workflow; its steps are jobs."""

    id = KeyField(primary_key=True, max_length=36)
    workflow = models.CharField(_("workflow"), max_length=255)
    properties = JsonText(_("properties"), default=dict)
    payload = models.ForeignKey(
        "offload.Payload", models.PROTECT, null=True, default=None, related_name="runs"
    )
    #: The canvas as Celery wrote it, to show the steps that have no row yet.
    canvas = JsonText(null=True, default=None)
    #: The ids of the jobs whose results are the run's own, nested as that is.
    tree = JsonText(null=True, default=None)
    #: The version of the definition.
    version = models.CharField(_("version"), max_length=64, default="", db_default="")
    #: The steps, and what each waits for; None where Celery's canvas leads the run.
    graph = JsonText(null=True, default=None)
    #: How far each step is.
    plan = JsonText(null=True, default=None)
    #: Derived from the plan; "" where Celery's canvas leads the run.
    state = models.CharField(_("state"), max_length=10, default="", db_default="", blank=True)
    paused = models.BooleanField(_("paused"), default=False, db_default=False)
    stop_requested = models.BooleanField(_("stop requested"), default=False, db_default=False)
    #: Comes back in every event.
    user_data = JsonText(null=True, default=None)
    #: The person who started it; the reason is beside it.
    actor = models.CharField(_("by"), max_length=255, default="", db_default="", blank=True)
    reason = models.CharField(_("reason"), max_length=255, default="", db_default="", blank=True)
    #: The job that started it.
    parent_id = models.CharField(_("parent"), max_length=255, default="", db_default="", blank=True)
    #: The run that this one restarts or copies.
    former = models.ForeignKey(
        "self", models.SET_NULL, null=True, default=None, related_name="later"
    )
    #: ``restart`` or ``copy``.
    relation = models.CharField(max_length=8, default="", db_default="", blank=True)
    created_at = models.DateTimeField(_("started"), db_default=DatabaseNow(), editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, default=None)

    objects: OffloadManager[Run] = OffloadManager()

    class Meta:
        """Machine-made rows."""

        verbose_name = _("run")
        verbose_name_plural = _("runs")

    def __str__(self) -> str:
        """Return workflow and id."""
        return f"{self.workflow} {self.id}"

    @property
    def led(self) -> tuple[Graph, Plan] | None:
        """Return graph and plan; None where Celery's canvas leads it, or they are unreadable."""
        return plans.stored(self.graph, self.plan) if self.graph is not None else None

    @property
    def is_finished(self) -> bool:
        """Return whether every job of the run has a final state."""
        return not self.jobs.unfinished().exists()

"""Runs: executions of workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from offload.core.workflows import plans
from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow, JsonText, KeyField

if TYPE_CHECKING:
    from django.db.models import QuerySet

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
    #: How the instances of its steps are chosen: ``together``, ``near``, ``spread``; "" for each
    #: by itself.
    placement = models.CharField(_("placement"), max_length=8, default="", db_default="")
    #: The instance of all steps that are to come, if they stay together; "" if none was found.
    instance = models.CharField(_("instance"), max_length=255, default="", db_default="")
    #: Rises whenever an instance is chosen (K7).
    placement_epoch = models.PositiveIntegerField(default=0, db_default=0)
    #: The only cluster that may get it whole; "" for any.
    peer = models.CharField(_("cluster"), max_length=64, default="", db_default="", blank=True)
    #: Of a run that another cluster has sent: that cluster, and the epoch of its job there; the job
    #: here is its parent (P15).
    home = models.CharField(_("home"), max_length=64, default="", db_default="", blank=True)
    home_epoch = models.PositiveIntegerField(_("epoch at home"), null=True, default=None)
    #: Seconds for which a step's job is kept near; None for the setting.
    near_seconds = models.FloatField(null=True, default=None)
    #: How many compensations failed or were stopped, and nobody has undone their steps by hand.
    not_undone = models.PositiveSmallIntegerField(default=0, db_default=0)
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
        indexes = [
            models.Index(
                fields=["instance"],
                name="offload_run_placed",
                condition=models.Q(state="RUNNING") & ~models.Q(instance=""),
            ),
            models.Index(
                fields=["created_at"],
                name="offload_run_not_undone",
                condition=models.Q(not_undone__gt=0),
            ),
            models.Index(
                fields=["parent_id"],
                name="offload_run_hosted",
                condition=models.Q(state="RUNNING") & ~models.Q(home=""),
            ),
        ]

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


#: Waits that have not ended; they alone are in the indexes that sweeps and senders read.
OPEN = Q(ended_at=None)


class StepWait(models.Model):
    """A step that began to wait for a person, a token, an event or a time; and how that ended."""

    # The constraint's index serves the key.
    run = models.ForeignKey(Run, models.CASCADE, related_name="waits", db_index=False)
    step = models.CharField(_("step"), max_length=255)
    #: The value of a `WaitKind`.
    kind = models.CharField(_("kind"), max_length=8)
    #: The question of an approval, or the name of an event.
    about = models.CharField(_("about"), max_length=255, default="", blank=True)
    #: The permission of those who may approve; "" for offload's own.
    permission = models.CharField(_("permission"), max_length=255, default="", blank=True)
    #: The moment at which it ends by itself; None for never.
    due_at = models.DateTimeField(_("until"), null=True, default=None)
    #: Whether the step has failed then.
    is_limit = models.BooleanField(_("limit"), default=False)
    created_at = models.DateTimeField(_("since"), db_default=DatabaseNow(), editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, default=None)
    #: The value of a `WaitOutcome`; "" before the end.
    outcome = models.CharField(_("outcome"), max_length=10, default="", blank=True)
    actor = models.CharField(_("by"), max_length=255, default="", blank=True)
    note = models.CharField(_("note"), max_length=255, default="", blank=True)
    #: The step's result.
    value = JsonText(null=True, default=None)

    objects: OffloadManager[StepWait] = OffloadManager()

    class Meta:
        """One row per run and step."""

        verbose_name = _("waiting step")
        verbose_name_plural = _("waiting steps")
        constraints = [
            models.UniqueConstraint(fields=["run", "step"], name="offload_step_wait_once")
        ]
        indexes = [
            models.Index("due_at", condition=OPEN & Q(due_at__isnull=False), name="offload_w_due"),
            models.Index("kind", "about", condition=OPEN, name="offload_w_open"),
        ]
        permissions = [("approve_step", _("Can approve and reject steps of runs"))]

    def __str__(self) -> str:
        """Return step and run."""
        return f"{self.step} of {self.run_id}"

    @classmethod
    def open(cls) -> QuerySet[StepWait]:
        """Return those that have not ended."""
        return cls.objects.filter(OPEN)

"""Runs: executions of workflows."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow, JsonText, KeyField


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
    created_at = models.DateTimeField(_("started"), db_default=DatabaseNow(), editable=False)

    objects: OffloadManager[Run] = OffloadManager()

    class Meta:
        """Machine-made rows."""

        verbose_name = _("run")
        verbose_name_plural = _("runs")

    def __str__(self) -> str:
        """Return workflow and id."""
        return f"{self.workflow} {self.id}"

    @property
    def is_finished(self) -> bool:
        """Return whether every job of the run has a final state."""
        return not self.jobs.unfinished().exists()

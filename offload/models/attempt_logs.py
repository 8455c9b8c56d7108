"""Logs of attempts: their last lines."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from offload.db.managers import OffloadManager
from offload.models.fields import JsonText
from offload.models.jobs import Job


class AttemptLog(models.Model):
    """The last lines that an attempt has logged; written anew as a whole, and with its job gone."""

    # The constraint's index serves the key.
    job = models.ForeignKey(Job, models.CASCADE, related_name="logs", db_index=False)
    epoch = models.PositiveIntegerField(_("epoch"))
    #: Of all lines, also of those that are not kept.
    count = models.PositiveIntegerField(_("lines"))
    #: Each with its time, level and text.
    lines = JsonText(_("last lines"))

    objects: OffloadManager[AttemptLog] = OffloadManager()

    class Meta:
        """One row per job and epoch."""

        verbose_name = _("log of an attempt")
        verbose_name_plural = _("logs of attempts")
        ordering = ["epoch"]
        constraints = [
            models.UniqueConstraint(fields=["job", "epoch"], name="offload_attempt_log_once")
        ]

    def __str__(self) -> str:
        """Return job and epoch."""
        return f"{self.job_id} at {self.epoch}"

"""Bindings of jobs: ended attempts, refusals, and why those that failed ran where they did."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow
from offload.models.jobs import Job


class Attempt(models.Model):
    """An ended attempt that was not the job's last; the last one is in the job's row."""

    # The constraint's index serves the key.
    job = models.ForeignKey(Job, models.CASCADE, related_name="ended_attempts", db_index=False)
    epoch = models.PositiveIntegerField(_("epoch"))
    instance = models.CharField(_("instance"), max_length=255)
    incarnation = models.CharField(max_length=36)
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), db_default=DatabaseNow())
    cause = models.CharField(_("cause"), max_length=16)
    error = models.TextField(_("error"), default="", db_default="")

    objects: OffloadManager[Attempt] = OffloadManager()

    class Meta:
        """One row per job and epoch."""

        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["epoch"]
        constraints = [
            models.UniqueConstraint(fields=["job", "epoch"], name="offload_attempt_once")
        ]

    def __str__(self) -> str:
        """Return job and epoch."""
        return f"{self.job_id} at {self.epoch}: {self.cause}"


class Exclusion(models.Model):
    """An incarnation that refused a job, and the time until which it is not asked again."""

    # The constraint's index serves the key.
    job = models.ForeignKey(Job, models.CASCADE, related_name="exclusions", db_index=False)
    incarnation = models.CharField(max_length=36)
    reason = models.CharField(max_length=255)
    until = models.DateTimeField()

    objects: OffloadManager[Exclusion] = OffloadManager()

    class Meta:
        """One row per job and incarnation."""

        constraints = [
            models.UniqueConstraint(fields=["job", "incarnation"], name="offload_exclusion_once")
        ]

    def __str__(self) -> str:
        """Return the job, the incarnation and the reason."""
        return f"{self.job_id}: {self.reason}"


class PlacementRecord(models.Model):
    """The instance of an attempt by which a job failed for good, and why it could run there."""

    # The constraint's index serves the key.
    job = models.ForeignKey(Job, models.CASCADE, related_name="placements", db_index=False)
    epoch = models.PositiveIntegerField(_("epoch"))
    instance = models.CharField(_("instance"), max_length=255)
    made_at = models.DateTimeField(_("made"), db_default=DatabaseNow())
    text = models.TextField(_("why there"))

    objects: OffloadManager[PlacementRecord] = OffloadManager()

    class Meta:
        """One row per job and epoch."""

        verbose_name = _("placement record")
        verbose_name_plural = _("placement records")
        ordering = ["epoch"]
        constraints = [
            models.UniqueConstraint(fields=["job", "epoch"], name="offload_placement_once")
        ]

    def __str__(self) -> str:
        """Return the job and the instance."""
        return f"{self.job_id} at {self.instance}"

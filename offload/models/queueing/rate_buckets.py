"""The tokens of the queues that have a rate."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from offload.db.managers import OffloadManager


class RateBucket(models.Model):
    """The tokens of one queue, and when they were counted; written under the queue's lock (B6)."""

    queue = models.CharField(_("queue"), primary_key=True, max_length=100)
    level = models.FloatField(_("tokens"))
    at = models.DateTimeField(_("counted"))

    objects: OffloadManager[RateBucket] = OffloadManager()

    class Meta:
        """Machine-made rows."""

        verbose_name = _("rate bucket")
        verbose_name_plural = _("rate buckets")

    def __str__(self) -> str:
        """Return queue and level."""
        return f"{self.queue} {self.level}"

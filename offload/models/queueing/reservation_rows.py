"""Places of instances that are kept for jobs that take several."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from offload.db.managers import OffloadManager


class Reservation(models.Model):
    """Places of one instance that a job has, or gets; written by the leader alone."""

    instance = models.CharField(_("instance"), max_length=255)
    lane = models.CharField(_("lane"), max_length=900)
    places = models.PositiveIntegerField(_("places"))
    #: The job that has them; empty while they are kept free.
    job = models.CharField(_("job"), max_length=255, blank=True, default="", db_default="")
    until = models.DateTimeField(_("until"), null=True, default=None)
    #: It ended in vain: the lane gets the next one after ``until``.
    rests = models.BooleanField(_("rests"), default=False, db_default=False)

    objects: OffloadManager[Reservation] = OffloadManager()

    class Meta:
        """Machine-made rows."""

        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")

    def __str__(self) -> str:
        """Return instance and places."""
        return f"{self.places} of {self.instance}"

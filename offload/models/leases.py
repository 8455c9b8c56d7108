"""The leader's lease, and the version of the topology."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from offload.db.managers import OffloadManager


class Lease(models.Model):
    """The leader, the end of its lease, and its term."""

    name = models.CharField(primary_key=True, max_length=32)
    holder = models.CharField(_("leader"), max_length=255)
    incarnation = models.CharField(max_length=36)
    term = models.BigIntegerField(_("term"))
    expires_at = models.DateTimeField(_("expires"))

    objects: OffloadManager[Lease] = OffloadManager()

    class Meta:
        """Machine-made rows."""

        verbose_name = _("lease")
        verbose_name_plural = _("leases")

    def __str__(self) -> str:
        """Return holder and term."""
        return f"{self.holder} (term {self.term})"


class Version(models.Model):
    """A number that only rises: the topology's version, or the last fence of a queue."""

    name = models.CharField(primary_key=True, max_length=32)
    number = models.BigIntegerField()

    objects: OffloadManager[Version] = OffloadManager()

    class Meta:
        """Machine-made rows."""

        verbose_name = _("version")
        verbose_name_plural = _("versions")

    def __str__(self) -> str:
        """Return name and number."""
        return f"{self.name} {self.number}"

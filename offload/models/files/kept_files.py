"""Contents that no job uses, kept for a while: another cluster may send them again (G6)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow
from offload.models.peers.columns import CLUSTER_MAX


class KeptFileQuerySet(models.QuerySet["KeptFile"]):
    """Named questions about kept contents."""

    def unpinned(self) -> KeptFileQuerySet:
        """Return those that nobody copies at this moment."""
        return self.filter(Q(pinned_until=None) | Q(pinned_until__lte=DatabaseNow()))

    def oldest(self) -> KeptFileQuerySet:
        """Return those that nobody copies, the longest unused first."""
        return self.unpinned().order_by("used_at", "pk")


KeptFileManager = OffloadManager.from_queryset(KeptFileQuerySet)


class KeptFile(models.Model):
    """One content, for one other cluster."""

    #: The cluster whose jobs had it, and may have it again.
    peer = models.CharField(_("peer"), max_length=CLUSTER_MAX)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    size = models.BigIntegerField(_("bytes"))
    #: Alias in ``STORAGES``.
    storage = models.CharField(_("storage"), max_length=64)
    location = models.CharField(_("location"), max_length=1024)
    since = models.DateTimeField(_("since"), db_default=DatabaseNow(), editable=False)
    #: When it was kept, or copied, for the last time.
    used_at = models.DateTimeField(_("last used"), db_default=DatabaseNow(), db_index=True)
    #: The time until which it is being copied, and not deleted.
    pinned_until = models.DateTimeField(_("pinned until"), null=True, default=None)

    objects = KeptFileManager()

    class Meta:
        """Machine-made rows."""

        verbose_name = _("kept file")
        verbose_name_plural = _("kept files")
        constraints = [
            models.UniqueConstraint(fields=["peer", "sha256", "size"], name="offload_kept_once"),
        ]

    def __str__(self) -> str:
        """Return the location."""
        return self.location

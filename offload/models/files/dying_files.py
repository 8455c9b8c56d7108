"""Files that nothing uses any more, until they are deleted from their storage (G2)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow


class DyingFileQuerySet(models.QuerySet["DyingFile"]):
    """Named questions about dying files."""

    def due(self) -> DyingFileQuerySet:
        """Return those to be deleted now by the database's clock, the oldest first."""
        return self.filter(due_at__lte=DatabaseNow()).order_by("due_at")

    def failing(self) -> DyingFileQuerySet:
        """Return those whose storage failed to delete them."""
        return self.filter(failures__gt=0)


DyingFileManager = OffloadManager.from_queryset(DyingFileQuerySet)


class DyingFile(models.Model):
    """A file to be deleted; its location is used for no other file, ever."""

    #: Alias in ``STORAGES``.
    storage = models.CharField(_("storage"), max_length=64)
    location = models.CharField(_("location"), max_length=1024)
    since = models.DateTimeField(_("since"), db_default=DatabaseNow(), editable=False)
    #: When it is deleted, or that is tried again.
    due_at = models.DateTimeField(_("due"), db_default=DatabaseNow(), db_index=True)
    failures = models.PositiveIntegerField(_("failures"), default=0)
    error = models.TextField(_("error"), default="")

    objects = DyingFileManager()

    class Meta:
        """Machine-made rows."""

        verbose_name = _("file to delete")
        verbose_name_plural = _("files to delete")

    def __str__(self) -> str:
        """Return the location."""
        return self.location

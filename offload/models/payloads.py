"""Payloads: the named files that go in with jobs and come out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from offload.core.transfers.descriptions import FileDescription
from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow, KeyField
from offload.models.stores import storage

if TYPE_CHECKING:
    from django.core.files import File


class Payload(models.Model):
    """The files of a job, or of all jobs of a run."""

    id = KeyField(primary_key=True, max_length=36)
    #: Alias in ``STORAGES``.
    storage = models.CharField(_("storage"), max_length=64)
    created_at = models.DateTimeField(_("created"), db_default=DatabaseNow(), editable=False)

    objects: OffloadManager[Payload] = OffloadManager()

    class Meta:
        """Machine-made rows."""

        verbose_name = _("payload")
        verbose_name_plural = _("payloads")

    def __str__(self) -> str:
        """Return the id."""
        return str(self.id)


class PayloadFileQuerySet(models.QuerySet["PayloadFile"]):
    """Named questions about files."""

    def inputs(self) -> PayloadFileQuerySet:
        """Return the files that came with the payload."""
        return self.filter(job=None)

    def outputs(self) -> PayloadFileQuerySet:
        """Return the files of finished attempts, which the fenced finish made visible."""
        return self.filter(job__state="SUCCEEDED", epoch=F("job__epoch"))


PayloadFileManager = OffloadManager.from_queryset(PayloadFileQuerySet)


class PayloadFile(models.Model):
    """One file: name, size, media type, SHA-256 and location."""

    payload = models.ForeignKey(Payload, models.CASCADE, related_name="files")
    #: The job that made it; empty for an input.
    job = models.ForeignKey(
        "offload.Job",
        models.CASCADE,
        null=True,
        default=None,
        related_name="files",
        db_index=False,  # The constraint's index serves the key.
    )
    epoch = models.PositiveIntegerField(_("epoch"), default=0)
    name = models.CharField(_("name"), max_length=255)
    size = models.BigIntegerField(_("bytes"))
    media_type = models.CharField(_("media type"), max_length=255)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    location = models.CharField(_("location"), max_length=1024)

    objects = PayloadFileManager()

    class Meta:
        """Names are unique among the inputs, and within one attempt's outputs."""

        verbose_name = _("file")
        verbose_name_plural = _("files")
        constraints = [
            models.UniqueConstraint(
                fields=["payload", "name"], condition=Q(job=None), name="offload_file_input"
            ),
            models.UniqueConstraint(fields=["job", "epoch", "name"], name="offload_file_output"),
            models.CheckConstraint(name="offload_file_size", condition=Q(size__gte=0)),
        ]
        # Whether another cluster must send a content is asked by its digest.
        indexes = [models.Index(fields=["sha256"], name="offload_file_digest")]

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    @property
    def is_output(self) -> bool:
        """Tell whether a job made it, rather than came with it."""
        return self.job_id is not None

    @property
    def description(self) -> FileDescription:
        """Return the file as other clusters know it."""
        return FileDescription(
            name=self.name, size=self.size, media_type=self.media_type, sha256=self.sha256
        )

    def open(self) -> File[bytes]:
        """Return the file, opened for reading bytes."""
        return storage(self.payload.storage).open(self.location, "rb")

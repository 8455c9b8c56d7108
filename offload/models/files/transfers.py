"""Transfers: files of jobs on their way between two clusters, on the side that has to do it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from offload.core.transfers.descriptions import Direction, FileDescription
from offload.core.transfers.stages import OPEN, TransferStage, TransferTask
from offload.core.transfers.tickets import HELD
from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow, JsonText
from offload.models.peers.columns import CLUSTER_MAX

#: Transports by which nothing is fetched: the message has the bytes, or this side has them.
WITHOUT_BYTES = ("inline", HELD)


def _choices(
    kind: type[TransferStage] | type[TransferTask] | type[Direction],
) -> list[tuple[str, str]]:
    return [(one.value, one.value) for one in kind]


class FileTransferQuerySet(models.QuerySet["FileTransfer"]):
    """Named questions about transfers."""

    def open(self) -> FileTransferQuerySet:
        """Return those that are not over."""
        return self.filter(due_at__isnull=False)

    def free(self) -> FileTransferQuerySet:
        """Return those that an agent may begin now, the longest due first.

        A lease that is over belongs to an agent that died, or is cut off.
        """
        is_free = Q(lease_until=None) | Q(lease_until__lte=DatabaseNow())
        return self.open().filter(is_free, due_at__lte=DatabaseNow()).order_by("due_at", "pk")

    def fetched_now(self) -> FileTransferQuerySet:
        """Return those whose bytes are coming from the other side at this moment."""
        coming = self.filter(stage=TransferStage.RUNNING, task=TransferTask.FETCH)
        return coming.filter(lease_until__gt=DatabaseNow()).exclude(transport__in=WITHOUT_BYTES)

    def failed(self) -> FileTransferQuerySet:
        """Return those that failed for good."""
        return self.filter(stage=TransferStage.FAILED)


FileTransferManager = OffloadManager.from_queryset(FileTransferQuerySet)


class FileTransfer(models.Model):
    """One file of one binding of a job, one way; deleted with its job."""

    job = models.ForeignKey(
        "offload.Job",
        models.CASCADE,
        related_name="transfers",
        db_index=False,  # The constraint's index serves the key.
    )
    #: The cluster on the other side.
    peer = models.CharField(_("peer"), max_length=CLUSTER_MAX)
    epoch = models.PositiveIntegerField(_("epoch at home"))
    direction = models.CharField(_("direction"), max_length=6, choices=_choices(Direction))
    task = models.CharField(_("what to do"), max_length=5, choices=_choices(TransferTask))
    name = models.CharField(_("name"), max_length=255)
    size = models.BigIntegerField(_("bytes"))
    media_type = models.CharField(_("media type"), max_length=255)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    transport = models.CharField(_("transport"), max_length=32)
    #: The ticket's data, without its transport.
    ticket = JsonText(default=dict, always_object=True)
    stage = models.CharField(
        _("stage"),
        max_length=7,
        choices=_choices(TransferStage),
        default=TransferStage.WAITING.value,
        db_default="waiting",
    )
    tries = models.PositiveIntegerField(_("tries"), default=0, db_default=0)
    #: Bytes that came so far, and those that need not come because the receiver had them.
    sent = models.BigIntegerField(_("bytes sent"), default=0, db_default=0)
    saved = models.BigIntegerField(_("bytes saved"), default=0, db_default=0)
    created_at = models.DateTimeField(_("since"), db_default=DatabaseNow(), editable=False)
    started_at = models.DateTimeField(_("started"), null=True, default=None)
    finished_at = models.DateTimeField(_("finished"), null=True, default=None)
    #: The code of the error, of the closed list, and what it says.
    error_type = models.CharField(_("error type"), max_length=32, default="", db_default="")
    error = models.TextField(_("error"), default="", db_default="")
    #: When it may be begun; None once it is over.
    due_at = models.DateTimeField(_("due"), null=True, db_default=DatabaseNow())
    #: The instance whose agent does it, the id of that try, and until when nobody else may.
    owner = models.CharField(_("agent of"), max_length=255, default="", db_default="")
    claim = models.CharField(max_length=36, default="", db_default="")
    lease_until = models.DateTimeField(_("lease until"), null=True, default=None)
    #: Where this side stores it, or has it.
    location = models.CharField(_("location"), max_length=1024, default="", db_default="")
    #: Where the bytes that came lie until it is whole, for the agent that goes on (P11).
    part = models.CharField(_("part"), max_length=1024, default="", db_default="")

    objects = FileTransferManager()

    class Meta:
        """As large as the files of the jobs that are kept; what is due is in a small index."""

        verbose_name = _("file transfer")
        verbose_name_plural = _("file transfers")
        constraints = [
            models.UniqueConstraint(
                fields=["job", "epoch", "direction", "name"], name="offload_transfer_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="offload_transfer_due"
            ),
            models.Index(
                fields=["finished_at"], condition=Q(stage="failed"), name="offload_transfer_failed"
            ),
        ]

    def __str__(self) -> str:
        """Return the name, the way and the cluster."""
        return f"{self.name}, {self.direction} of {self.job_id}, {self.peer}"

    @property
    def is_open(self) -> bool:
        """Tell whether it is not over."""
        return self.stage in OPEN

    @property
    def description(self) -> FileDescription:
        """Return the file as both sides know it."""
        return FileDescription(
            name=self.name, size=self.size, media_type=self.media_type, sha256=self.sha256
        )

"""Outboxes: rows that are told to another cluster again and again until it has answered.

Envelopes need no table: a QUEUED row that is bound to a peer is the envelope to be sent.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow
from offload.models.peers.columns import CLUSTER_MAX

#: Longest list of the instances that a clone may run on, in characters.
ALLOWED_MAX = 65_536


class WithdrawnBinding(models.Model):
    """The highest binding of a job that home takes back from a peer, until that acknowledges it."""

    # No foreign key: the job may be purged before the peer has answered.
    job_id = models.CharField(_("job"), max_length=255)
    peer = models.CharField(_("peer"), max_length=CLUSTER_MAX)
    epoch = models.PositiveIntegerField(_("epoch"))
    #: Whether what runs shall stop, and by force; else only nothing may begin.
    stops_runs = models.BooleanField(_("stops runs"))
    is_forced = models.BooleanField(_("by force"))
    due_at = models.DateTimeField(_("due"), db_default=DatabaseNow())
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)

    objects: OffloadManager[WithdrawnBinding] = OffloadManager()

    class Meta:
        """As large as what is not acknowledged."""

        verbose_name = _("withdrawn binding")
        verbose_name_plural = _("withdrawn bindings")
        constraints = [
            models.UniqueConstraint(fields=["job_id", "peer"], name="offload_withdrawal_once")
        ]
        indexes = [models.Index(fields=["peer", "due_at"], name="offload_withdrawal_due")]

    def __str__(self) -> str:
        """Return job, peer and epoch."""
        return f"{self.job_id} at {self.peer}, epoch {self.epoch}"


class News(models.Model):
    """The reports of a binding, until its home has taken the end.

    The clone's row is the report: what it says is committed with it. Here is how much of it was
    put into a message.
    """

    job_id = models.CharField(_("job"), max_length=255)
    home = models.CharField(_("home"), max_length=CLUSTER_MAX)
    epoch = models.PositiveIntegerField(_("epoch at home"))
    #: The instances that home allows, each between two bars.
    allowed = models.TextField(max_length=ALLOWED_MAX, default="", db_default="")
    #: Of the last report; 0 before the first.
    number = models.PositiveIntegerField(_("number"), default=0, db_default=0)
    #: The news in the last report, and its progress.
    reported = models.CharField(_("reported"), max_length=16, default="", db_default="")
    progress = models.TextField(default="", db_default="")
    #: The reason of a refusal.
    reason = models.CharField(_("reason"), max_length=32, default="", db_default="")
    #: The time at which the last report is sent again; NULL once home has answered it.
    due_at = models.DateTimeField(_("due"), null=True, default=None)
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)

    objects: OffloadManager[News] = OffloadManager()

    class Meta:
        """As large as the number of clones that home waits for."""

        verbose_name = _("report of a clone")
        verbose_name_plural = _("reports of clones")
        constraints = [models.UniqueConstraint(fields=["home", "job_id"], name="offload_news_once")]
        indexes = [
            models.Index(
                fields=["home", "due_at"],
                name="offload_news_due",
                condition=models.Q(due_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        """Return job, home and number."""
        return f"{self.job_id} of {self.home}, report {self.number}"


class ClosedBinding(models.Model):
    """The highest binding of a job that was refused or withdrawn here (P5)."""

    job_id = models.CharField(_("job"), max_length=255)
    home = models.CharField(_("home"), max_length=CLUSTER_MAX)
    epoch = models.PositiveIntegerField(_("epoch at home"))
    since = models.DateTimeField(_("since"), db_default=DatabaseNow())

    objects: OffloadManager[ClosedBinding] = OffloadManager()

    class Meta:
        """Kept until every message from before is too old to be accepted."""

        verbose_name = _("closed binding")
        verbose_name_plural = _("closed bindings")
        constraints = [
            models.UniqueConstraint(fields=["home", "job_id"], name="offload_closed_once")
        ]
        indexes = [models.Index(fields=["since"], name="offload_closed_since")]

    def __str__(self) -> str:
        """Return job, home and epoch."""
        return f"{self.job_id} of {self.home}, epoch {self.epoch}"

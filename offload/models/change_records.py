"""Records of what people change: rules, switches, queues, and what they do to jobs."""

from __future__ import annotations

import enum

from django.db import models
from django.utils.translation import gettext_lazy as _

from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow


class Entrance(enum.StrEnum):
    """Where a change was asked for."""

    ADMIN = "admin"
    TERMINAL = "terminal"
    #: A message of another cluster.
    PEER = "peer"
    #: Nobody: it ended by itself.
    TIME = "time"


class SubjectKind(enum.StrEnum):
    """The kinds of things that a change can be about; the first three are scopes of rules.

    Several jobs are named by the topic that they have in common, if any.
    """

    INSTANCE = "instance"
    GLOB = "glob"
    LABEL = "label"
    QUEUE = "queue"
    JOB = "job"
    PEER = "peer"
    RUN = "run"
    LAUNCHER = "launcher"
    RESOURCE = "resource"


class ChangeRecord(models.Model):
    """A record of a change: by whom, when and where; never changed, and kept after its subject."""

    at = models.DateTimeField(_("time"), db_default=DatabaseNow(), editable=False)
    #: A name rather than a reference: it stays when the user is deleted, or never was one here.
    actor = models.CharField(_("by"), max_length=255)
    entrance = models.CharField(
        _("via"), max_length=8, choices=[(one.value, one.value) for one in Entrance]
    )
    action = models.CharField(_("action"), max_length=16)
    kind = models.CharField(
        _("kind"), max_length=8, choices=[(one.value, one.value) for one in SubjectKind]
    )
    subject = models.CharField(_("subject"), max_length=255)
    text = models.TextField(_("change"))

    objects: OffloadManager[ChangeRecord] = OffloadManager()

    class Meta:
        """Written with the change, in its transaction."""

        verbose_name = _("change")
        verbose_name_plural = _("changes")
        ordering = ["-id"]
        indexes = [models.Index(fields=["kind", "subject"], name="offload_change_subject")]

    def __str__(self) -> str:
        """Return the text of the change."""
        return self.text

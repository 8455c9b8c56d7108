"""Requests to change rules in another cluster, and verdicts on those of other clusters."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from offload.core.peers.rule_requests import RequestAction, RequestOutcome, RequestState
from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow
from offload.models.peers.columns import CLUSTER_MAX

#: Longest detail of a verdict, in characters.
DETAIL_MAX = 1_000
OPEN = Q(state=RequestState.REQUESTED.value)


class PeerRequest(models.Model):
    """A change of rules that another cluster is asked for; its id is its number (P13)."""

    peer = models.CharField(_("cluster"), max_length=CLUSTER_MAX)
    #: By which the other cluster knows it.
    key = models.CharField(max_length=32, unique=True)
    #: Its nodename there.
    instance = models.CharField(_("instance"), max_length=255)
    action = models.CharField(
        _("action"), max_length=9, choices=[(one.value, one.value) for one in RequestAction]
    )
    patterns = models.JSONField(_("patterns"), default=list)
    #: A newer request of the same subject replaces one that was never sent.
    subject = models.TextField(_("subject"))
    until = models.DateTimeField(_("ends at"), null=True, default=None)
    note = models.CharField(_("note"), max_length=255, default="")
    state = models.CharField(
        _("state"),
        max_length=9,
        choices=[(one.value, one.value) for one in RequestState],
        default=RequestState.REQUESTED.value,
    )
    by = models.CharField(_("by"), max_length=255)
    asked_at = models.DateTimeField(_("requested"), db_default=DatabaseNow())
    expires_at = models.DateTimeField(_("expires"))
    #: The time at which it was taken back, and the person; nobody if it expired.
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, default=None)
    withdrawn_by = models.CharField(_("withdrawn by"), max_length=255, default="")
    #: The number of times that it was given to the broker, or was about to be.
    tries = models.PositiveIntegerField(_("sent"), default=0, db_default=0)
    due_at = models.DateTimeField(_("due"), db_default=DatabaseNow())
    answered_at = models.DateTimeField(_("answered"), null=True, default=None)
    refusal = models.CharField(_("refusal"), max_length=32, default="")
    detail = models.CharField(_("detail"), max_length=DETAIL_MAX, default="")
    #: Of the other cluster's topology, with the change in it.
    version = models.BigIntegerField(_("version there"), default=0)

    objects: OffloadManager[PeerRequest] = OffloadManager()

    class Meta:
        """A row per request, kept for some time after its end."""

        verbose_name = _("request to another cluster")
        verbose_name_plural = _("requests to other clusters")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["peer", "due_at"], name="offload_request_due", condition=OPEN),
            models.Index(fields=["answered_at"], name="offload_request_answered"),
        ]

    def __str__(self) -> str:
        """Return number, action and instance."""
        return f"request {self.pk}: {self.action} {self.full_name}"

    @property
    def full_name(self) -> str:
        """Return the name of the instance here."""
        return f"{self.peer}/{self.instance}"


class AnsweredRequest(models.Model):
    """The verdict on a request of another cluster, which is given again to each copy (P14)."""

    home = models.CharField(_("home"), max_length=CLUSTER_MAX)
    key = models.CharField(max_length=32)
    number = models.PositiveBigIntegerField(_("number"))
    #: Nothing while it is being made.
    outcome = models.CharField(
        _("verdict"),
        max_length=9,
        blank=True,
        default="",
        choices=[(one.value, one.value) for one in RequestOutcome],
    )
    refusal = models.CharField(_("refusal"), max_length=32, default="")
    detail = models.CharField(_("detail"), max_length=DETAIL_MAX, default="")
    version = models.BigIntegerField(_("version"), default=0)
    answered_at = models.DateTimeField(_("answered"), db_default=DatabaseNow())

    objects: OffloadManager[AnsweredRequest] = OffloadManager()

    class Meta:
        """Kept until its home has the verdict, and no copy would be taken any more."""

        verbose_name = _("answered request")
        verbose_name_plural = _("answered requests")
        constraints = [
            models.UniqueConstraint(fields=["home", "key"], name="offload_answered_once")
        ]

    def __str__(self) -> str:
        """Return home, number and verdict."""
        return f"request {self.number} of {self.home}: {self.outcome}"

"""Other clusters as they announce themselves, and what was refused or taken from them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from offload.core.peers.refusal import RefusalKind
from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow


class Peer(models.Model):
    """Another cluster: the last announcement heard from it, and those sent to it."""

    name = models.CharField(_("name"), primary_key=True, max_length=64)
    #: The name that this cluster had when it last spoke with the peer.
    own_name = models.CharField(_("own name"), max_length=64)

    #: Of the leader that sent the last announcement heard, and of that announcement.
    term = models.BigIntegerField(_("term"), default=0)
    beat = models.BigIntegerField(_("beat"), default=0)
    heard_at = models.DateTimeField(_("last heard"), null=True)
    #: The last beat of the peer that was confirmed to it; its lease counts from there.
    confirmed = models.BigIntegerField(default=0)
    #: Until then it is bound nothing and confirmed nothing.
    silent_since = models.DateTimeField(_("silent since"), null=True)
    #: Seconds by which its clock was ahead of the one here.
    clock_ahead = models.FloatField(_("clock ahead (seconds)"), null=True)
    key_id = models.CharField(_("key"), max_length=64, default="")
    protocol = models.PositiveSmallIntegerField(_("protocol version"), null=True)
    #: As they announced themselves, so many as fit into a message.
    instances = models.JSONField(_("instances"), default=list)
    #: Whether it says that it takes jobs from here.
    is_accepting = models.BooleanField(_("accepts jobs"), default=True, db_default=True)
    #: Whether it says that its rules may be changed from here.
    lets_rule = models.BooleanField(_("lets rule"), default=False, db_default=False)
    #: Whether it takes announcements from a queue of their own, as it told last.
    hears_apart = models.BooleanField(default=False, db_default=False)
    #: How far files of jobs are that it carries, as it told last.
    moving = models.JSONField(_("files on their way"), default=list)
    #: How many of its instances were left out.
    left_out = models.PositiveIntegerField(default=0)

    #: The last beat sent to it, and recent ones with the times before they were sent.
    own_beat = models.BigIntegerField(default=0)
    sent = models.JSONField(default=list)
    #: Until then its jobs may begin here.
    lease_until = models.DateTimeField(_("lease until"), null=True)

    objects: OffloadManager[Peer] = OffloadManager()

    class Meta:
        """Machine-made rows."""

        verbose_name = _("peer")
        verbose_name_plural = _("peers")
        ordering = ["name"]

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class PeerRefusal(models.Model):
    """How often messages in a peer's name were refused for one reason."""

    #: The name of the peer, or nothing where the message names no key of one.
    peer = models.CharField(_("peer"), max_length=64, blank=True)
    kind = models.CharField(
        _("kind"), max_length=16, choices=[(one.value, one.value) for one in RefusalKind]
    )
    count = models.PositiveBigIntegerField(_("count"), default=0)
    last_at = models.DateTimeField(_("last refused"), db_default=DatabaseNow())
    #: Of the last one; without anything of its content.
    detail = models.CharField(_("last reason"), max_length=255)

    objects: OffloadManager[PeerRefusal] = OffloadManager()

    class Meta:
        """Machine-made rows."""

        verbose_name = _("refused messages")
        verbose_name_plural = _("refused messages")
        ordering = ["peer", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["peer", "kind"], name="offload_peer_refusal")
        ]

    def __str__(self) -> str:
        """Return peer, reason and count."""
        return f"{self.peer or '?'}: {self.count} {self.kind}"


class SeenMessage(models.Model):
    """The nonce of a message that was taken, kept until a copy would be too old."""

    peer = models.CharField(max_length=64)
    nonce = models.CharField(max_length=32)
    seen_at = models.DateTimeField(db_default=DatabaseNow())

    objects: OffloadManager[SeenMessage] = OffloadManager()

    class Meta:
        """Machine-made rows."""

        verbose_name = _("accepted message")
        verbose_name_plural = _("accepted messages")
        constraints = [
            models.UniqueConstraint(fields=["peer", "nonce"], name="offload_seen_message")
        ]
        indexes = [models.Index(fields=["seen_at"], name="offload_seen_message_at")]

    def __str__(self) -> str:
        """Return peer and nonce."""
        return f"{self.peer} {self.nonce}"

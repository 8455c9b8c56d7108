"""Switches of what goes to and comes from other clusters, as people set them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from offload.core.peers.peer_switches import PeerSwitch
from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow
from offload.models.peers.columns import CLUSTER_MAX


class LinkSwitch(models.Model):
    """A switch that a person set; without a row, the settings say its position."""

    #: Nothing stands for all other clusters.
    peer = models.CharField(_("cluster"), max_length=CLUSTER_MAX, blank=True, default="")
    switch = models.CharField(
        _("switch"), max_length=8, choices=[(one.value, one.value) for one in PeerSwitch]
    )
    is_on = models.BooleanField(_("on"))
    since = models.DateTimeField(_("since"), db_default=DatabaseNow(), editable=False)
    #: A name rather than a reference, as in the record of changes.
    by = models.CharField(_("by"), max_length=255, blank=True, default="")
    note = models.CharField(_("note"), max_length=255, blank=True, default="")

    objects: OffloadManager[LinkSwitch] = OffloadManager()

    class Meta:
        """Read with the topology; one row per cluster and switch."""

        verbose_name = _("switch of other clusters")
        verbose_name_plural = _("switches of other clusters")
        ordering = ["peer", "switch"]
        constraints = [
            models.UniqueConstraint(fields=["peer", "switch"], name="offload_link_switch_once"),
            models.CheckConstraint(
                name="offload_link_switch_known",
                condition=models.Q(switch__in=[one.value for one in PeerSwitch]),
            ),
        ]

    def __str__(self) -> str:
        """Return cluster, switch and position."""
        return f"{self.switch} {self.peer or '*'}: {'on' if self.is_on else 'off'}"

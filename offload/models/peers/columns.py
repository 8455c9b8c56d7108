"""The columns of a job that is run in another cluster, or for one."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

#: Longest name of a cluster, in characters.
CLUSTER_MAX = 64


class Travelling(models.Model):
    """A job that may be bound to another cluster, or be a clone for one.

    All columns are NULL for other jobs: adding them rewrites no table.
    """

    #: The cluster whose instance it is, or was last, bound to; NULL for the own one.
    peer = models.CharField(_("runs at"), max_length=CLUSTER_MAX, null=True, default=None)  # noqa: DJ001
    #: The last report taken of it: of which epoch, and its number (P3).
    heard_epoch = models.PositiveIntegerField(null=True, default=None)
    heard_number = models.PositiveIntegerField(null=True, default=None)
    #: Of a clone: the cluster that owns the job, and its epoch there (P2).
    home = models.CharField(_("home"), max_length=CLUSTER_MAX, null=True, default=None)  # noqa: DJ001
    home_epoch = models.PositiveIntegerField(_("epoch at home"), null=True, default=None)

    class Meta:
        """The base of jobs."""

        abstract = True

    @property
    def is_clone(self) -> bool:
        """Return whether another cluster owns the job."""
        return self.home is not None

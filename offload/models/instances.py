"""Instances: Celery worker nodes as they announce themselves."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from offload.core.exceptions import UnknownInstance
from offload.core.placement.topology import Mode
from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow
from offload.models.indexes import Predicate

LIVES = Predicate("mode <> 'gone'", ~Q(mode=Mode.GONE))
#: The condition of ``incarnation`` in SQL.
INCARNATION = "name = %(name)s AND incarnation = %(incarnation)s"
MODE_CHOICES = [(mode.value, mode.value.lower()) for mode in Mode]


class InstanceQuerySet(models.QuerySet["Instance"]):
    """Named questions about instances."""

    def live(self) -> InstanceQuerySet:
        """Return the instances that are not gone."""
        return self.filter(LIVES.q)

    def incarnation(self, name: str, incarnation: str) -> InstanceQuerySet:
        """Return the instance, if this is its present incarnation."""
        return self.filter(pk=name, incarnation=incarnation)

    def named(self, name: str) -> Instance:
        """Return the instance of this name; raise UnknownInstance if no worker ever had it."""
        found: Instance | None = self.filter(pk=name).first()
        if found is None:
            raise UnknownInstance(name=name, known=self.values_list("pk", flat=True))
        return found


InstanceManager = OffloadManager.from_queryset(InstanceQuerySet)


class Instance(models.Model):
    """A worker node by its nodename, with its current incarnation."""

    name = models.CharField(_("name"), primary_key=True, max_length=255)
    incarnation = models.CharField(_("incarnation"), max_length=36)
    cluster = models.CharField(_("cluster"), max_length=64)
    mode = models.CharField(_("mode"), max_length=12, choices=MODE_CHOICES)
    beat = models.BigIntegerField(_("beat"), default=0, db_default=0)
    beat_at = models.DateTimeField(_("last beat"), db_default=DatabaseNow())
    joined = models.BigIntegerField(_("join order"))
    started_at = models.DateTimeField(_("started"), db_default=DatabaseNow())
    #: Why it is suspect: a ``Trouble``; empty if it is not.
    trouble = models.CharField(_("trouble"), max_length=16, blank=True, default="", db_default="")
    mode_at = models.DateTimeField(_("in this mode since"), db_default=DatabaseNow())
    #: The remedy of its trouble, as sentences.
    remedy = models.CharField(_("done"), max_length=255, blank=True, default="", db_default="")
    gone_because = models.CharField(_("reason"), max_length=255, blank=True, default="")

    host = models.CharField(_("host"), max_length=255)
    boot_id = models.CharField(max_length=64)
    pid = models.PositiveIntegerField(_("process"))
    #: Start of the process in clock ticks, because a pid may be reused.
    pid_started = models.CharField(max_length=32, default="")

    #: Announced: ``{pattern, task, ranking, limit}`` each.
    consumers = models.JSONField(_("consumers"), default=list)
    labels = models.JSONField(_("labels"), default=list)
    concurrency = models.PositiveIntegerField(_("concurrency"))
    window = models.PositiveIntegerField(_("window"))
    can_kill = models.BooleanField(_("can kill a run"), default=True)
    can_limit = models.BooleanField(_("can limit a run's time"), default=True)
    protocol = models.PositiveSmallIntegerField(_("protocol"))
    #: The rules that this instance has applied, in contrast to the desired ones.
    applied = models.JSONField(_("applied rules"), default=dict)
    #: Held and running jobs, tick of the consumer loop, broker connection.
    load = models.JSONField(_("load"), default=dict)
    #: Names of tasks whose messages this incarnation refused too often.
    broken = models.JSONField(_("broken consumers"), default=list)
    facts = models.JSONField(_("properties"), default=dict)

    objects = InstanceManager()

    class Meta:
        """Machine-made rows."""

        verbose_name = _("instance")
        verbose_name_plural = _("instances")
        ordering = ["joined"]
        permissions = [("operate_instance", _("Can switch instances off and on"))]

    def __str__(self) -> str:
        """Return the nodename."""
        return self.name


class Slot(models.Model):
    """The row that a binder to an instance locks, separate from the row that heartbeats write."""

    instance = models.CharField(primary_key=True, max_length=255)

    objects: OffloadManager[Slot] = OffloadManager()

    class Meta:
        """Machine-made rows."""

        verbose_name = _("slot row")
        verbose_name_plural = _("slot rows")

    def __str__(self) -> str:
        """Return the nodename."""
        return self.instance

"""Instances: Celery worker nodes as they announced themselves."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from offload.core.exceptions import UnknownInstance
from offload.core.placement.topology import Mode
from offload.models.managers import OffloadManager

#: The condition of ``here`` in SQL.
LIVES = "mode <> 'gone'"
MODE_CHOICES = [(mode.value, mode.value.lower()) for mode in Mode]


class InstanceQuerySet(models.QuerySet["Instance"]):
    """Named questions about instances."""

    def here(self) -> InstanceQuerySet:
        """Return the instances that are not gone."""
        return self.exclude(mode=Mode.GONE)

    def named(self, name: str) -> Instance:
        """Return the instance of a name; raise UnknownInstance if no worker ever had it."""
        found: Instance | None = self.filter(pk=name).first()
        if found is None:
            raise UnknownInstance(name=name, known=self.values_list("pk", flat=True))
        return found


InstanceManager = OffloadManager.from_queryset(InstanceQuerySet)


class Instance(models.Model):
    """A worker node by its nodename, with its present incarnation."""

    name = models.CharField(_("name"), primary_key=True, max_length=255)
    incarnation = models.CharField(_("incarnation"), max_length=36)
    cluster = models.CharField(_("cluster"), max_length=64)
    mode = models.CharField(_("mode"), max_length=12, choices=MODE_CHOICES)
    beat = models.BigIntegerField(_("beat"), default=0, db_default=0)
    beat_at = models.DateTimeField(_("last beat"), db_default=Now())
    joined = models.BigIntegerField(_("join order"))
    started_at = models.DateTimeField(_("started"), db_default=Now())
    gone_because = models.CharField(_("gone because"), max_length=255, blank=True, default="")

    host = models.CharField(_("host"), max_length=255)
    boot_id = models.CharField(max_length=64)
    pid = models.PositiveIntegerField(_("process"))
    #: Boot time of the process in clock ticks: a pid alone may have been given away again.
    pid_started = models.CharField(max_length=32, default="")

    #: Announced: ``{pattern, task, ranking, limit}`` each.
    consumers = models.JSONField(_("consumers"), default=list)
    labels = models.JSONField(_("labels"), default=list)
    concurrency = models.PositiveIntegerField(_("concurrency"))
    window = models.PositiveIntegerField(_("window"))
    can_kill = models.BooleanField(_("can end a run by force"), default=True)
    can_limit = models.BooleanField(_("can limit a run's time"), default=True)
    protocol = models.PositiveSmallIntegerField(_("protocol"))
    #: The rules this instance acts by: what is applied, beside what is desired.
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
    """The row whoever binds to an instance locks, apart from the row its heartbeat writes."""

    instance = models.CharField(primary_key=True, max_length=255)

    objects: OffloadManager[Slot] = OffloadManager()

    class Meta:
        """Machine-made rows."""

        verbose_name = _("slot row")
        verbose_name_plural = _("slot rows")

    def __str__(self) -> str:
        """Return the nodename."""
        return self.instance

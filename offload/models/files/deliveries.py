"""Deliveries of outputs to fields and storages, kept with their job."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow, JsonText


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Named questions about deliveries."""

    def open(self) -> DeliveryQuerySet:
        """Return those that are still to be made."""
        return self.filter(due_at__isnull=False)

    def due(self) -> DeliveryQuerySet:
        """Return those to be made now by the database's clock, the oldest first."""
        return self.open().filter(due_at__lte=DatabaseNow()).order_by("due_at")

    def close(self, **facts: Any) -> int:
        """Mark them as made or given up, with these facts; return how many."""
        return self.update(due_at=None, **facts)

    def failing(self) -> DeliveryQuerySet:
        """Return those that failed, and are tried again."""
        return self.open().filter(failures__gt=0)

    def given_up(self) -> DeliveryQuerySet:
        """Return those that cannot be made."""
        return self.filter(due_at=None, delivered_at=None)

    def tried_in_vain(self) -> DeliveryQuerySet:
        """Return those that failed for too long; others can never be made."""
        return self.given_up().filter(failures__gt=0)


DeliveryManager = OffloadManager.from_queryset(DeliveryQuerySet)


class Delivery(models.Model):
    """One output of a job that succeeded, and the place it goes to."""

    job = models.ForeignKey(
        "offload.Job",
        models.CASCADE,
        related_name="deliveries",
        db_index=False,  # The constraint's index serves the key.
    )
    #: Its place among the deliveries of its job: with the job's id, its key.
    number = models.PositiveIntegerField(_("number"))
    name = models.CharField(_("name"), max_length=255)
    #: ``{"storage": …, "folder": …}`` or ``{"model": …, "pk": …, "field": …}``.
    target = JsonText(_("target"), default=dict, always_object=True)
    #: Where it is, or is being written, in the storage; "" until that is decided.
    location = models.CharField(_("location"), max_length=1024, default="", blank=True)
    #: When it is made, or that is tried again; None once it is made or given up.
    due_at = models.DateTimeField(_("due"), null=True, db_default=DatabaseNow())
    delivered_at = models.DateTimeField(_("delivered"), null=True, default=None)
    failures = models.PositiveIntegerField(_("failures"), default=0)
    error = models.TextField(_("error"), default="", blank=True)

    objects = DeliveryManager()

    class Meta:
        """Machine-made rows."""

        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="offload_delivery_key"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="offload_delivery_due"
            ),
        ]

    def __str__(self) -> str:
        """Return the name and the place."""
        return f"{self.name} to {self.place}"

    @property
    def place(self) -> str:
        """Return the place that it goes to, in words."""
        to = self.target
        if "storage" in to:
            return f"storage {to['storage']}: {self.location or to.get('folder', '')}"
        return f"{to.get('field')} of {to.get('model')} {to.get('pk')}"

    @property
    def state(self) -> str:
        """Return ``waiting``, ``delivered`` or ``failed``."""
        if self.due_at is not None:
            return "waiting"
        return "failed" if self.delivered_at is None else "delivered"

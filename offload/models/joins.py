"""Joins: each waits for several jobs to end."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow, JsonText, KeyField
from offload.models.indexes import Predicate

#: A dependency that is still waited for.
OPEN = Predicate("state = ''", Q(state=""))


class Join(models.Model):
    """A chord's header, counted by the ids of its results; its body follows once."""

    id = KeyField(primary_key=True, max_length=255)
    #: The body as a Celery signature, with its frozen id.
    body = JsonText()
    #: The tree of result ids, in the shape of the body's argument.
    tree = JsonText()
    root_id = models.CharField(max_length=255, default="", db_default="")
    #: The job that the body becomes; empty for a group.
    body_id = models.CharField(max_length=255, default="", db_default="")
    fired = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=DatabaseNow(), editable=False)

    objects: OffloadManager[Join] = OffloadManager()

    class Meta:
        """Machine-made rows."""

        verbose_name = _("join")
        verbose_name_plural = _("joins")
        indexes = [
            models.Index(fields=["body_id"], name="offload_join_body", condition=~Q(body_id=""))
        ]

    def __str__(self) -> str:
        """Return the id."""
        return str(self.id)


class Dependency(models.Model):
    """One result a join waits for."""

    # The constraint's index serves the key.
    join = models.ForeignKey(Join, models.CASCADE, related_name="dependencies", db_index=False)
    #: The id of a job, a relay or a plain Celery task.
    needs = models.CharField(_("needs"), max_length=255)
    #: Empty while open, then SUCCESS, FAILURE or REVOKED.
    state = models.CharField(_("state"), max_length=10, default="", db_default="", blank=True)
    value = JsonText(null=True, default=None)

    objects: OffloadManager[Dependency] = OffloadManager()

    class Meta:
        """An index of the open ones, which every end queries."""

        verbose_name = _("dependency")
        verbose_name_plural = _("dependencies")
        constraints = [
            models.UniqueConstraint(fields=["join", "needs"], name="offload_dependency_once")
        ]
        indexes = [
            models.Index(fields=["join"], name="offload_dependency_open", condition=OPEN.q),
            models.Index(fields=["needs"], name="offload_dependency_needs"),
        ]

    def __str__(self) -> str:
        """Return the join and the needed result."""
        return f"{self.join_id} needs {self.needs}"

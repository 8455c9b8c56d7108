"""Resources and the jobs that use them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from offload.core.admission.resources import Per, Stale
from offload.core.validation.bounds import CAPACITY, REPORT_AGE
from offload.db.managers import OffloadManager
from offload.models.fields import KeyField
from offload.models.validation import within


class Resource(models.Model):
    """A named, countable thing that is not an instance, such as a licence.

    Binders of jobs that use it lock its row, and count those jobs (B6c).
    """

    name = models.SlugField(_("name"), max_length=100, unique=True)
    capacity = models.PositiveIntegerField(
        _("capacity"),
        validators=within(CAPACITY),
        help_text=_("How much there is. A report can only lower it."),
    )
    per = models.CharField(
        _("counted per"),
        max_length=4,
        choices=[(one.value, one.value) for one in Per],
        default=Per.JOB,
        db_default="job",
        help_text=_("job: each job uses its amount; host: all jobs on one host use it together."),
    )
    report_age = models.FloatField(
        _("age of reports in seconds"),
        null=True,
        blank=True,
        validators=within(REPORT_AGE),
        help_text=_("How long a report of the capacity counts. Empty: it takes no reports."),
    )
    stale = models.CharField(
        _("after that"),
        max_length=6,
        choices=[(one.value, one.value) for one in Stale],
        default=Stale.CLOSED,
        db_default="closed",
        help_text=_("open: the capacity above holds; closed: nothing more begins."),
    )
    reported = models.PositiveIntegerField(_("reported"), null=True, editable=False)
    reported_at = models.DateTimeField(_("reported at"), null=True, editable=False)
    cools_until = models.DateTimeField(_("cools down until"), null=True, editable=False)
    cooled_by = models.CharField(max_length=255, default="", db_default="", editable=False)
    note = models.CharField(
        _("note"),
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text=_("What it is, and whom to ask."),
    )
    #: As ``OFFLOAD["RESOURCES"]`` has it; what a person changes is theirs from then on.
    is_declared = models.BooleanField(
        _("declared in the settings"), default=False, db_default=False, editable=False
    )

    objects: OffloadManager[Resource] = OffloadManager()

    class Meta:
        """Edited by people."""

        verbose_name = _("resource")
        verbose_name_plural = _("resources")
        ordering = ["name"]
        permissions = [("manage_resource", _("Can cool resources down and clear that"))]

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class ResourceUser(models.Model):
    """An amount of a resource that one binding of a job uses, as long as it is bound or runs.

    It counts only while the job's row has this epoch and is bound, so that no end of a job has to
    write it.
    """

    resource = models.CharField(_("resource"), max_length=100)
    job_id = KeyField(max_length=255)
    epoch = models.PositiveIntegerField(_("epoch"))
    amount = models.PositiveIntegerField(_("amount"))
    host = models.CharField(_("host"), max_length=255, default="", db_default="")

    objects: OffloadManager[ResourceUser] = OffloadManager()

    class Meta:
        """Written by the binders, under the lock of the resource."""

        verbose_name = _("user of a resource")
        verbose_name_plural = _("users of resources")
        constraints = [
            models.UniqueConstraint(fields=["resource", "job_id"], name="offload_resourceuser_once")
        ]

    def __str__(self) -> str:
        """Return job and amount."""
        return f"{self.job_id} {self.resource}={self.amount}"

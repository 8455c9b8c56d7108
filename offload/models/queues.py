"""Queues: policies for sets of topics."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from offload.core.policies import ClusterOrder, QueueType
from offload.core.validation.bounds import (
    AGEING,
    BACKOFF,
    BURST,
    PARALLEL,
    RANKING,
    RETENTION_DAYS,
    RETRIES,
    RETRY_DELAY,
)
from offload.db.managers import OffloadManager
from offload.models.queueing.key_rules import KeyRuled
from offload.models.queueing.placement_rules import PlacementRuled
from offload.models.queueing.queue_constraints import CONSTRAINTS
from offload.models.queueing.queue_validators import (
    validate_errors,
    validate_patterns,
    validate_rate,
    validate_time_zone,
    validate_windows,
)
from offload.models.validation import within


class Queue(KeyRuled, PlacementRuled):
    """Type, limits, retries and retention of the jobs of some topics."""

    name = models.SlugField(_("name"), max_length=100, unique=True)
    topics = models.JSONField(
        _("topic patterns"),
        validators=[validate_patterns],
        help_text=_('A list of patterns, such as ["dam/rendition/*", "dam/metadata"].'),
    )
    ranking = models.IntegerField(
        _("ranking"),
        default=0,
        validators=within(RANKING),
        help_text=_("If several queues match a topic, the highest ranking wins."),
    )
    type = models.CharField(
        _("type"),
        max_length=20,
        choices=[(t.value, t.value) for t in QueueType],
        default=QueueType.UNORDERED,
        help_text=_(
            "ordered: one job at a time, in order of submission; ordered_per_key: the same for "
            "each key; topic_round_robin: its topics take turns."
        ),
    )
    max_parallel = models.PositiveIntegerField(
        _("maximum parallel jobs"),
        null=True,
        blank=True,
        validators=within(PARALLEL),
        help_text=_("In the whole cluster. Leave empty for no limit."),
    )
    rate = models.CharField(
        _("rate"),
        max_length=20,
        blank=True,
        default="",
        db_default="",
        validators=[validate_rate],
        help_text=_("Jobs that begin per second, minute, hour or day in the whole cluster: 100/m."),
    )
    burst = models.PositiveIntegerField(
        _("burst"),
        null=True,
        blank=True,
        validators=within(BURST),
        help_text=_(
            "How many may begin at once after a pause. Empty takes one second's worth, at least 1."
        ),
    )
    windows = models.JSONField(
        _("windows of time"),
        default=list,
        db_default=[],
        blank=True,
        validators=[validate_windows],
        help_text=_('When it runs: ["mon-fri 22:00-06:00", "sat,sun 00:00-24:00"]. Empty: always.'),
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=63,
        blank=True,
        default="",
        db_default="",
        validators=[validate_time_zone],
        help_text=_("Of the windows, such as Europe/Berlin. Empty takes the site's."),
    )
    ageing = models.FloatField(
        _("ageing in seconds"),
        null=True,
        blank=True,
        validators=within(AGEING),
        help_text=_("Waiting that long counts as one step of priority. Empty: it does not count."),
    )
    cluster_order = models.CharField(
        _("order of clusters"),
        max_length=12,
        choices=[(t.value, t.value) for t in ClusterOrder],
        default=ClusterOrder.LOCAL_FIRST,
        db_default=ClusterOrder.LOCAL_FIRST,
        help_text=_(
            "Where instances of other clusters may run its jobs too: own instances first, all by "
            "their free share, or other clusters first."
        ),
    )
    retries = models.IntegerField(
        _("retries"),
        default=10,
        validators=within(RETRIES),
        help_text=_("Attempts after the first one fails; -1 for no limit."),
    )
    retry_delay = models.FloatField(
        _("retry delay in seconds"), default=2.0, validators=within(RETRY_DELAY)
    )
    backoff = models.FloatField(
        _("backoff"),
        default=2.0,
        validators=within(BACKOFF),
        help_text=_("Each retry waits this many times as long as the previous one."),
    )
    retry_on = models.JSONField(
        _("retry on"),
        default=list,
        db_default=[],
        blank=True,
        validators=[validate_errors],
        help_text=_('Only these exceptions are retried: ["ConnectionError"]. Empty: all.'),
    )
    no_retry_on = models.JSONField(
        _("no retry on"),
        default=list,
        db_default=[],
        blank=True,
        validators=[validate_errors],
        help_text=_("These exceptions are never retried."),
    )
    rerun = models.BooleanField(
        _("rerun"),
        default=True,
        db_default=True,
        help_text=_(
            "Whether a job runs again by itself after its process or instance was lost. If not, it "
            "ends as ERROR and waits for a person."
        ),
    )
    retention_days = models.PositiveIntegerField(
        _("days of history"),
        null=True,
        blank=True,
        validators=within(RETENTION_DAYS),
        help_text=_("How long ended jobs are kept. Leave empty to keep them forever."),
    )
    suspended = models.BooleanField(
        _("suspended"), default=False, help_text=_("Jobs are accepted, but wait.")
    )
    note = models.CharField(
        _("note"),
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text=_("Why the queue is suspended, or drains."),
    )
    drains = models.BooleanField(
        _("drains"),
        default=False,
        db_default=False,
        editable=False,
        help_text=_("Jobs that are submitted wait while those that were there before run."),
    )
    held_since = models.DateTimeField(_("held since"), null=True, editable=False)
    held_by = models.CharField(
        _("held by"), max_length=255, blank=True, default="", db_default="", editable=False
    )
    #: Made and changed by ``OFFLOAD["QUEUES"]``; people may only suspend it.
    is_declared = models.BooleanField(
        _("declared in the settings"), default=False, db_default=False, editable=False
    )

    objects: OffloadManager[Queue] = OffloadManager()

    class Meta:
        """Edited by people."""

        verbose_name = _("queue")
        verbose_name_plural = _("queues")
        ordering = ["-ranking", "name"]
        constraints = CONSTRAINTS
        permissions = [("manage_queue", _("Can suspend and resume queues"))]

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    def clean(self) -> None:
        """Raise ValidationError if limits contradict the type."""
        if self.type == QueueType.ORDERED and self.max_parallel not in {None, 1}:
            raise ValidationError(
                {"max_parallel": _("An ordered queue runs one job at a time; leave this empty.")}
            )
        if self.type == QueueType.ORDERED and self.ageing is not None:
            raise ValidationError({"ageing": _("An ordered queue runs in order; leave it empty.")})
        if self.burst is not None and not self.rate:
            raise ValidationError({"burst": _("A burst is one of a rate; give a rate too.")})
        self.check_keys(self.type, ages=self.ageing is not None)

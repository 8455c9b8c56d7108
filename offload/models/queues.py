"""Queues: policies for sets of topics."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from offload.core.exceptions import InvalidPattern
from offload.core.policies import QueueType
from offload.core.topics import Pattern
from offload.core.validation.bounds import (
    BACKOFF,
    PARALLEL,
    RANKING,
    RETENTION_DAYS,
    RETRIES,
    RETRY_DELAY,
)
from offload.models.bounded import keeps, within
from offload.models.managers import OffloadManager


def validate_patterns(value: Any) -> None:
    """Raise ValidationError unless ``value`` is a list of topic patterns."""
    if not isinstance(value, list) or not value:
        raise ValidationError(_('Give a list of patterns, such as ["dam/**"].'))
    for text in value:
        try:
            Pattern.parse(text)
        except InvalidPattern as error:
            raise ValidationError(str(error), code="pattern") from error


class Queue(models.Model):
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
        help_text=_("Of queues that match a topic the highest wins."),
    )
    type = models.CharField(
        _("type"),
        max_length=9,
        choices=[(t.value, t.value) for t in QueueType],
        default=QueueType.UNORDERED,
        help_text=_("ordered: one job at a time, in the order of submission."),
    )
    max_parallel = models.PositiveIntegerField(
        _("at most in parallel"),
        null=True,
        blank=True,
        validators=within(PARALLEL),
        help_text=_("Over the whole cluster. Empty: no limit."),
    )
    retries = models.IntegerField(
        _("retries"),
        default=10,
        validators=within(RETRIES),
        help_text=_("Further attempts after a failure; -1: without end."),
    )
    retry_delay = models.FloatField(
        _("retry delay in seconds"), default=2.0, validators=within(RETRY_DELAY)
    )
    backoff = models.FloatField(
        _("backoff"),
        default=2.0,
        validators=within(BACKOFF),
        help_text=_("Each retry waits this many times as long as the one before."),
    )
    retention_days = models.PositiveIntegerField(
        _("keep history for days"),
        null=True,
        blank=True,
        validators=within(RETENTION_DAYS),
        help_text=_("Empty: for ever."),
    )
    suspended = models.BooleanField(
        _("suspended"), default=False, help_text=_("Jobs are accepted and wait.")
    )
    note = models.CharField(
        _("note"),
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text=_("Why it is suspended."),
    )
    #: Made and changed as ``OFFLOAD["QUEUES"]`` says; people suspend it, and no more.
    is_declared = models.BooleanField(
        _("declared in the settings"), default=False, db_default=False, editable=False
    )

    objects: OffloadManager[Queue] = OffloadManager()

    class Meta:
        """Edited by people."""

        verbose_name = _("queue")
        verbose_name_plural = _("queues")
        ordering = ["-ranking", "name"]
        constraints = [
            keeps(
                "ranking",
                RANKING,
                name="offload_queue_ranking",
                told=_("A ranking is at most a million."),
            ),
            keeps(
                "retries",
                RETRIES,
                name="offload_queue_retries",
                told=_("Retries are -1 (without end), or 0 to a million."),
            ),
            keeps(
                "retry_delay",
                RETRY_DELAY,
                name="offload_queue_delay",
                told=_("A retry delay is not negative, and at most a year."),
            ),
            keeps(
                "backoff",
                BACKOFF,
                name="offload_queue_backoff",
                told=_("A backoff is from 1 to 1,000."),
            ),
            keeps(
                "max_parallel",
                PARALLEL,
                name="offload_queue_parallel",
                told=_("A limit is from 1 to a million; suspend the queue to stop it."),
            ),
            keeps(
                "retention_days",
                RETENTION_DAYS,
                name="offload_queue_retention",
                told=_("History is kept for 1 to 36,500 days; leave it empty for ever."),
            ),
        ]
        permissions = [("manage_queue", _("Can suspend and resume queues"))]

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    def clean(self) -> None:
        """Raise ValidationError where limits contradict the type."""
        if self.type == QueueType.ORDERED and self.max_parallel not in {None, 1}:
            raise ValidationError(
                {"max_parallel": _("An ordered queue runs one job at a time; leave this empty.")}
            )

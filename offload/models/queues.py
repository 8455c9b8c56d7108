"""Queues: policies for sets of topics."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from offload.core.exceptions import InvalidPattern
from offload.core.policies import QueueType
from offload.core.topics import Pattern
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
        _("ranking"), default=0, help_text=_("Of queues that match a topic the highest wins.")
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
        validators=[MinValueValidator(1)],
        help_text=_("Over the whole cluster. Empty: no limit."),
    )
    retries = models.IntegerField(
        _("retries"),
        default=10,
        validators=[MinValueValidator(-1)],
        help_text=_("Further attempts after a failure; -1: without end."),
    )
    retry_delay = models.FloatField(
        _("retry delay in seconds"), default=2.0, validators=[MinValueValidator(0.0)]
    )
    backoff = models.FloatField(
        _("backoff"),
        default=1.0,
        validators=[MinValueValidator(1.0)],
        help_text=_("Each retry waits this many times as long as the one before."),
    )
    retention_days = models.PositiveIntegerField(
        _("keep history for days"), null=True, blank=True, help_text=_("Empty: for ever.")
    )
    suspended = models.BooleanField(
        _("suspended"), default=False, help_text=_("Jobs are accepted and wait.")
    )

    objects: OffloadManager[Queue] = OffloadManager()

    class Meta:
        """Edited by people."""

        verbose_name = _("queue")
        verbose_name_plural = _("queues")
        ordering = ["-ranking", "name"]
        constraints = [
            models.CheckConstraint(
                name="offload_queue_retries",
                condition=Q(retries__gte=-1),
                violation_error_message=_("Retries are -1 (without end), 0 or more."),
            ),
            models.CheckConstraint(
                name="offload_queue_delay",
                condition=Q(retry_delay__gte=0),
                violation_error_message=_("A retry delay is not negative."),
            ),
            models.CheckConstraint(
                name="offload_queue_parallel",
                condition=Q(max_parallel=None) | Q(max_parallel__gte=1),
                violation_error_message=_("A limit is at least 1; suspend the queue to stop it."),
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

"""The columns of a queue about the instances that run its jobs."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from offload.core.matching.rescue import RESCUE_SECONDS, Rescue
from offload.core.validation.bounds import RESCUE
from offload.models.queueing.queue_validators import (
    validate_escalation,
    validate_preferences,
    validate_requirements,
    validate_resources,
)
from offload.models.validation import keeps, within

PLACEMENT_CONSTRAINTS = [
    keeps(
        "rescue_seconds",
        RESCUE,
        name="offload_queue_rescue_seconds",
        message=_("A lost job waits from 0 seconds to a year for its instance."),
    ),
]


class PlacementRuled(models.Model):
    """Requirements and preferences; a base of queues."""

    requires = models.JSONField(
        _("requires"),
        default=dict,
        db_default={},
        blank=True,
        validators=[validate_requirements],
        help_text=_(
            'What an instance must have to run its jobs, as an object: {"gpu": true, "ram_gb": '
            '{">=": 64}, "labels": ["licensed"]}.'
        ),
    )
    prefers = models.JSONField(
        _("prefers"),
        default=list,
        db_default=[],
        blank=True,
        validators=[validate_preferences],
        help_text=_(
            "What an instance had better have to run its jobs, with weights: "
            '[[{"gpu": true}, 5], [{"labels": ["shared"]}, -2]].'
        ),
    )
    retry_with = models.JSONField(
        _("retry with"),
        default=dict,
        db_default={},
        blank=True,
        validators=[validate_escalation],
        help_text=_(
            "Factors of least numbers that are required, for the next attempt after one ran out of "
            'memory or time: {"ram_gb": 2}, or {"ram_gb": {"times": 2, "after": "out_of_memory"}}.'
        ),
    )
    leader_only = models.BooleanField(
        _("leader only"),
        default=False,
        db_default=False,
        help_text=_(
            "Its jobs run at the leading instance alone, and move with leadership: the next leader "
            "begins none while another instance still runs one."
        ),
    )
    prefer_creation_instance = models.BooleanField(
        _("prefer the creating instance"),
        default=False,
        db_default=False,
        help_text=_(
            "A job that is submitted by the code of another one waits a moment (NEAR) for the "
            "instance that runs that one; then any may run it."
        ),
    )
    rescue = models.CharField(
        _("rescue"),
        max_length=13,
        choices=[(t.value, t.value) for t in Rescue],
        default=Rescue.ANYWHERE,
        db_default=Rescue.ANYWHERE,
        help_text=_(
            "Where a job runs again after its process or instance was lost: anywhere; elsewhere, "
            "if another instance can; at the same instance, and, if that does not come back in "
            "time, anywhere (same), or not at all (same_or_error)."
        ),
    )
    rescue_seconds = models.FloatField(
        _("seconds of rescue"),
        default=RESCUE_SECONDS,
        db_default=RESCUE_SECONDS,
        validators=within(RESCUE),
        help_text=_("How long a lost job waits for the same instance to come back."),
    )

    resources = models.JSONField(
        _("resources"),
        default=dict,
        db_default={},
        blank=True,
        validators=[validate_resources],
        help_text=_('What each of its jobs uses of resources, as an object: {"maya": 1}.'),
    )

    class Meta:
        """A base without a table."""

        abstract = True

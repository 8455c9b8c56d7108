"""The columns of a queue that say what is done by the keys of its jobs, and whose turn it is."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from offload.core.matching.job_keys import PATH_MAX, path_problem, weights_problem
from offload.core.policies import QueueType
from offload.core.validation.bounds import PARALLEL, PER_INSTANCE
from offload.models.fields import BytewiseField
from offload.models.validation import keeps, within

#: Characters of a key, or of a topic.
TURN_MAX = 255


def validate_key_path(value: str) -> None:
    """Raise ValidationError unless ``value`` is the dotted path of a property."""
    if value and (problem := path_problem(value)):
        raise ValidationError(problem, code="key")


def validate_weights(value: Any) -> None:
    """Raise ValidationError unless ``value`` is an object of weights by key."""
    if problem := weights_problem(value):
        raise ValidationError(problem, code="weights")


def validate_per_instance(value: float) -> None:
    """Raise ValidationError unless ``value`` is -1, a whole number, or a part of 1."""
    if value != -1 and (value <= 0 or (value > 1 and not float(value).is_integer())):
        message = _("Give a whole number from 1, a part of its processes such as 0.5, or -1.")
        raise ValidationError(message, code="per_instance")


class KeyRuled(models.Model):
    """The rules by keys, and the turn; the base of queues."""

    key = models.CharField(
        _("key"),
        max_length=PATH_MAX,
        blank=True,
        default="",
        db_default="",
        validators=[validate_key_path],
        help_text=_(
            "The property that is the key of a job, such as tenant or user.id; its value tells "
            "the jobs of the queue apart."
        ),
    )
    max_per_key = models.PositiveIntegerField(
        _("maximum per key"),
        null=True,
        blank=True,
        validators=within(PARALLEL),
        help_text=_("Jobs of one key that run at once. Leave empty for no limit."),
    )
    max_per_instance = models.FloatField(
        _("maximum per instance"),
        null=True,
        blank=True,
        validators=[*within(PER_INSTANCE), validate_per_instance],
        help_text=_(
            "Jobs on one instance: a number, a part of its processes such as 0.5, or -1 for as "
            "many as it has processes. Leave empty for no limit."
        ),
    )
    max_per_host = models.PositiveIntegerField(
        _("maximum per host"),
        null=True,
        blank=True,
        validators=within(PARALLEL),
        help_text=_("Jobs on all instances of one host together. Leave empty for no limit."),
    )
    fair = models.BooleanField(
        _("keys take turns"),
        default=False,
        db_default=False,
        help_text=_("Keys take turns, however many jobs of one of them wait."),
    )
    weights = models.JSONField(
        _("weights"),
        default=dict,
        db_default={},
        blank=True,
        validators=[validate_weights],
        help_text=_('How many jobs a key gets in its turn, if not one: {"acme": 3}.'),
    )
    #: The key or topic whose turn it is, and the jobs that it got in this turn.
    turn = BytewiseField(max_length=TURN_MAX, default="", db_default="", editable=False)
    turn_taken = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        """No table of its own."""

        abstract = True

    def check_keys(self, kind: str, *, ages: bool) -> None:
        """Raise ValidationError if the rules contradict each other, or the type of the queue.

        ``ages`` says that waiting counts as priority, which it does not where jobs are chosen.
        """
        limits = (self.max_per_key, self.max_per_instance, self.max_per_host)
        chooses = self.fair or any(one is not None for one in limits)
        if ages and (chooses or kind != QueueType.UNORDERED):
            message = _("Waiting counts in queues without rules by key, turn or instance alone.")
            raise ValidationError({"ageing": message})
        if kind in {QueueType.ORDERED, QueueType.ORDERED_PER_KEY} and self.max_per_key:
            message = _("The order lets one job run at a time; leave this empty.")
            raise ValidationError({"max_per_key": message})
        if self.fair and kind in {QueueType.ORDERED, QueueType.TOPIC_ROUND_ROBIN}:
            message = _("Keys cannot take turns in a queue of this type.")
            raise ValidationError({"fair": message})
        if self.weights and not self.fair:
            message = _("Weights are for keys that take turns; let them (fair).")
            raise ValidationError({"weights": message})


KEY_CONSTRAINTS: list[models.BaseConstraint] = [
    keeps(
        "max_per_key",
        PARALLEL,
        name="offload_queue_per_key",
        message=_("At most 1 to 1,000,000 jobs of one key run in parallel."),
    ),
    keeps(
        "max_per_instance",
        PER_INSTANCE,
        name="offload_queue_per_instance",
        message=_("At most 1 to 1,000,000 jobs run on an instance, or -1 for all its processes."),
    ),
    keeps(
        "max_per_host",
        PARALLEL,
        name="offload_queue_per_host",
        message=_("At most 1 to 1,000,000 jobs run on a host."),
    ),
]

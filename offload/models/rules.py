"""Rules and switches: what operators desire."""

from __future__ import annotations

from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from offload.core.moments import LATEST
from offload.core.placement.topology import RuleVerb, Scope
from offload.db.managers import OffloadManager
from offload.models.fields import DatabaseNow, PatternField


class RuleQuerySet(models.QuerySet["Rule"]):
    """Named questions about rules."""

    def not_ended(self) -> RuleQuerySet:
        """Return the rules that have not ended: rules in force, and resting denies."""
        return self.filter(Q(until=None) | Q(until__gt=DatabaseNow()))

    def alike(self, rule: Rule) -> RuleQuerySet:
        """Return the rules of the same pattern and target, whatever their verb."""
        return self.filter(scope=rule.scope, target=rule.target, pattern=rule.pattern)


RuleManager = OffloadManager.from_queryset(RuleQuerySet)


class Rule(models.Model):
    """Allow or deny a pattern of topics on an instance, a glob of names, or a label."""

    verb = models.CharField(_("verb"), max_length=5, choices=[(v.value, v.value) for v in RuleVerb])
    scope = models.CharField(
        _("scope"),
        max_length=8,
        choices=[(s.value, s.value) for s in Scope],
        default=Scope.INSTANCE,
    )
    target = models.CharField(
        _("target"), max_length=255, help_text=_("A nodename, a glob of nodenames, or a label.")
    )
    pattern = PatternField(
        _("topic pattern"),
        help_text=_("a/b exactly · a/* one more segment · a/** one or more · ** everything"),
    )
    until = models.DateTimeField(
        _("ends at"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(LATEST)],
        help_text=_("Leave empty to keep the rule until it is cleared."),
    )
    rests_until = models.DateTimeField(
        _("lifted until"),
        null=True,
        editable=False,
        help_text=_("An allow of the same pattern and target lifts this deny until then."),
    )
    note = models.CharField(_("note"), max_length=255, blank=True, default="")
    created_at = models.DateTimeField(_("created"), db_default=DatabaseNow(), editable=False)
    created_by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_constraint=False,
        verbose_name=_("created by"),
    )

    objects = RuleManager()

    class Meta:
        """One rule per verb, target and pattern."""

        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        ordering = ["scope", "target", "pattern"]
        constraints = [
            models.UniqueConstraint(
                fields=["verb", "scope", "target", "pattern"],
                name="offload_rule_once",
                violation_error_message=_("This rule exists already."),
            ),
            models.CheckConstraint(
                name="offload_rule_verb",
                condition=Q(verb__in=[v.value for v in RuleVerb]),
            ),
            models.CheckConstraint(name="offload_rule_target", condition=~Q(target="")),
            models.CheckConstraint(
                name="offload_rule_until",
                condition=Q(until__lte=LATEST),
                violation_error_message=_("This is later than any zone can show."),
            ),
        ]
        permissions = [("change_routing", _("Can allow, deny, clear and make exclusive"))]

    def __str__(self) -> str:
        """Return the rule as a sentence."""
        return f"{self.verb} {self.pattern} on {self.target}"

    def clean(self) -> None:
        """Raise ValidationError if the target does not fit the scope."""
        if self.scope == Scope.INSTANCE and any(sign in self.target for sign in "*?["):
            raise ValidationError(
                {"target": _("This is a glob: choose the scope glob, or name one instance.")}
            )


class Switch(models.Model):
    """An instance that is switched off as a whole: a row while it is off."""

    instance = models.CharField(_("instance"), primary_key=True, max_length=255)
    since = models.DateTimeField(_("since"), db_default=DatabaseNow(), editable=False)
    note = models.CharField(_("note"), max_length=255, blank=True, default="")
    drains = models.BooleanField(
        _("drain"),
        default=False,
        db_default=False,
        help_text=_("It is to become empty: the pages show how much is left."),
    )
    until = models.DateTimeField(
        _("ends at"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(LATEST)],
        help_text=_("Leave empty to keep it off until it is switched on."),
    )
    give_back_at = models.DateTimeField(
        _("gives back at"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(LATEST)],
        help_text=_("Runs that are left then are given back. Leave empty to let them finish."),
    )
    by = models.CharField(
        _("by"), max_length=255, blank=True, default="", db_default="", editable=False
    )

    objects: OffloadManager[Switch] = OffloadManager()

    class Meta:
        """Read with the rules."""

        verbose_name = _("switched off instance")
        verbose_name_plural = _("switched off instances")

    def __str__(self) -> str:
        """Return the nodename."""
        return self.instance

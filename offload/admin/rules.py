"""Rules and switches in the admin; each change takes effect at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from offload.admin.recorded import RecordedAdmin
from offload.core.exceptions import InvalidRule, UnknownInstance
from offload.core.placement.topology import RuleVerb, Scope
from offload.fleet.snapshots import now
from offload.models import Rule, Switch
from offload.models.change_records import SubjectKind
from offload.operations.changes.rules import EditRule, RemoveRules, WriteRules
from offload.operations.changes.switches import DrainInstance, SwitchOff, SwitchOn
from offload.reading.cluster import known_names
from offload.rules.validation import check_end

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.http import HttpRequest

    from offload.operations.changes.change import Change
    from offload.operations.changes.change_outcomes import Outcome

    RuleBase = forms.ModelForm[Rule]
    SwitchBase = forms.ModelForm[Switch]
else:
    RuleBase = SwitchBase = forms.ModelForm


class RuleForm(RuleBase):
    """The form of a rule; refuses an end that has passed."""

    class Meta:
        """All that people edit."""

        model = Rule
        fields = ("verb", "scope", "target", "pattern", "until", "note")

    def clean_until(self) -> datetime | None:
        """Return the end; raise ValidationError if it has passed."""
        return _later(self.cleaned_data["until"])


def _later(until: datetime | None) -> datetime | None:
    try:
        check_end(until, "")
    except InvalidRule as error:
        raise ValidationError(error.problem) from error
    return until


@admin.register(Rule)
class RuleAdmin(RecordedAdmin):
    """Allow and deny."""

    form = RuleForm
    list_display = (
        "id",
        "verb",
        "pattern",
        "scope",
        "target",
        "until",
        "rests_until",
        "note",
        "created_by",
    )
    list_display_links = ("id", "verb")
    list_filter = ("verb", "scope")
    list_select_related = ("created_by",)
    search_fields = ("target", "pattern", "note")

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        """Write or edit the rule; warn if no instance matches."""
        if change and not form.changed_data:
            return
        outcome = self.carry_out(request, _edit(obj) if change else _write(obj))
        obj.pk = outcome.written[0].pk
        self._warn_of_nobody(request, obj)

    def removal(self, rows: list[Rule]) -> Iterable[Change[Outcome]]:
        """Return the one change that removes rules."""
        return [RemoveRules(ids=tuple(row.pk for row in rows))]

    def subject(self, row: Rule) -> tuple[str, str]:
        """Return the instances that the rule is for."""
        return row.scope, row.target

    def _warn_of_nobody(self, request: HttpRequest, rule: Rule) -> None:
        named = rule.scope == Scope.INSTANCE
        if named and not known_names.is_instance(rule.target):
            text = gettext("No worker named %(name)s has announced itself yet; it will be heeded.")
            self.message_user(request, text % {"name": rule.target}, messages.WARNING)


def _write(row: Rule) -> WriteRules:
    return WriteRules(
        verb=RuleVerb(row.verb),
        target=row.target,
        patterns=(row.pattern,),
        scope=row.scope,
        until=row.until,
        note=row.note,
    )


def _edit(row: Rule) -> EditRule:
    return EditRule(
        rule_id=row.pk,
        verb=RuleVerb(row.verb),
        scope=row.scope,
        target=row.target,
        pattern=row.pattern,
        until=row.until,
        note=row.note,
    )


def _switch(row: Switch) -> Change[Outcome]:
    facts: dict[str, Any] = {"instance": row.instance, "note": row.note, "until": row.until}
    if not row.drains:
        return SwitchOff(**facts)
    grace = max(row.give_back_at - now(), timedelta()) if row.give_back_at else None
    return DrainInstance(**facts, grace=grace)


class SwitchForm(SwitchBase):
    """The form of a switch."""

    class Meta:
        """All that people edit."""

        model = Switch
        fields = ("instance", "note", "drains", "until", "give_back_at")

    def clean_until(self) -> datetime | None:
        """Return the end; raise ValidationError if it has passed."""
        return _later(self.cleaned_data["until"])

    def clean_give_back_at(self) -> datetime | None:
        """Return when runs are given back; raise ValidationError where nothing is drained."""
        found: datetime | None = self.cleaned_data["give_back_at"]
        if found is not None and not self.cleaned_data["drains"]:
            raise ValidationError(gettext("Only a drain gives runs back; choose drain, too."))
        return found

    def clean_instance(self) -> str:
        """Return the name; raise ValidationError if no worker ever had it."""
        name: str = self.cleaned_data["instance"]
        try:
            return known_names.announced(name)
        except UnknownInstance as error:
            raise ValidationError(str(error)) from error


@admin.register(Switch)
class SwitchAdmin(RecordedAdmin):
    """Instances that are off; to switch one on, delete its row."""

    form = SwitchForm
    list_display = ("instance", "drains", "since", "until", "give_back_at", "by", "note")
    list_filter = ("drains",)
    search_fields = ("instance", "note")

    def save_model(self, request: HttpRequest, obj: Switch, form: Any, change: bool) -> None:
        """Switch the instance off, or change the note of one that is."""
        if change and not form.changed_data:
            return
        self.carry_out(request, _switch(obj))

    def removal(self, rows: list[Switch]) -> Iterable[Change[Outcome]]:
        """Return the changes that switch the instances on."""
        return [SwitchOn(instance=row.instance) for row in rows]

    def subject(self, row: Switch) -> tuple[str, str]:
        """Return the instance."""
        return SubjectKind.INSTANCE, row.instance

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return the name as read-only once the instance is off."""
        return ("instance",) if obj else ()

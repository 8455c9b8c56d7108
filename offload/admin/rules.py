"""Rules and switches in the admin: edited by people, and each change acts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from offload.admin.lists import ListedAdmin
from offload.browser import effects
from offload.core.placement.topology import Scope
from offload.fleet import rules
from offload.fleet.rule_effects import opened_by
from offload.models import Instance, Rule, Switch

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import Model, QuerySet
    from django.http import HttpRequest

    RuleBase = forms.ModelForm[Rule]
    SwitchBase = forms.ModelForm[Switch]
else:
    RuleBase = SwitchBase = forms.ModelForm


class Enforced(ListedAdmin):
    """Rows that say what is desired: what they forbid is taken back in the same transaction."""

    def remove(self, rows: list[Any]) -> int:
        """Remove rows and enforce what remains; return how many jobs were taken back."""
        raise NotImplementedError

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """Remove it and enforce what remains."""
        self.tell_recalled(request, self.remove([obj]))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Remove them and enforce what remains."""
        self.tell_recalled(request, self.remove(list(queryset)))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what goes; on the page that asks, say what else that does."""
        if "post" not in request.POST:
            for text in self.effects_of_deleting(list(objs)):
                self.message_user(request, text, messages.WARNING)
        return super().get_deleted_objects(objs, request)

    def effects_of_deleting(self, rows: list[Any]) -> list[str]:
        """Say what it does to delete these rows, beside that they are gone."""
        return []

    def tell_recalled(self, request: HttpRequest, recalled: int) -> None:
        """Tell how many jobs were taken back, if any."""
        if recalled:
            text = ngettext(
                "%d unstarted job was taken back and goes elsewhere.",
                "%d unstarted jobs were taken back and go elsewhere.",
                recalled,
            )
            self.message_user(request, text % recalled, messages.INFO)


class RuleForm(RuleBase):
    """A rule that has not ended already."""

    class Meta:
        """All that people edit."""

        model = Rule
        fields = ("verb", "scope", "target", "pattern", "until", "note")

    def clean_until(self) -> datetime | None:
        """Return the end; raise ValidationError where it has passed."""
        until: datetime | None = self.cleaned_data["until"]
        if until is not None and until <= timezone.now():
            raise ValidationError(_("This has passed. Choose a later time, or leave it empty."))
        return until


@admin.register(Rule)
class RuleAdmin(Enforced):
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

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store it, an allow in place of the deny of the same, and say where it concerns nobody."""
        if not change:
            obj.created_by_id = request.user.pk
        written = rules.save(obj)
        self.tell_recalled(request, written.recalled)
        for text in effects.of_lifting(written.lifted):
            self.message_user(request, text, messages.INFO)
        self._warn_of_nobody(request, obj)

    def remove(self, rows: list[Rule]) -> int:
        """Remove rules and enforce what remains; return how many jobs were taken back."""
        return rules.remove(rows).recalled

    def effects_of_deleting(self, rows: list[Rule]) -> list[str]:
        """Say whom it opens to everything."""
        return effects.of_deleting(opened_by(rows))

    def _warn_of_nobody(self, request: HttpRequest, rule: Rule) -> None:
        named = rule.scope == Scope.INSTANCE
        if named and not Instance.objects.filter(pk=rule.target).exists():
            text = gettext("No worker named %(name)s has announced itself yet; it will be heeded.")
            self.message_user(request, text % {"name": rule.target}, messages.WARNING)


class SwitchForm(SwitchBase):
    """An instance to be switched off."""

    class Meta:
        """All that people edit."""

        model = Switch
        fields = ("instance", "note")

    def clean_instance(self) -> str:
        """Return the name; raise ValidationError where no worker ever had it."""
        name: str = self.cleaned_data["instance"]
        if not Instance.objects.filter(pk=name).exists():
            known = ", ".join(Instance.objects.here().values_list("pk", flat=True)[:20])
            told = _("No worker of that name was ever announced. There are: %(known)s.")
            raise ValidationError(told, params={"known": known or _("none")})
        return name


@admin.register(Switch)
class SwitchAdmin(Enforced):
    """Instances that are off; to switch one on, delete its row."""

    form = SwitchForm
    list_display = ("instance", "since", "note")
    search_fields = ("instance", "note")

    def save_model(self, request: HttpRequest, obj: Switch, form: Any, change: bool) -> None:
        """Switch the instance off, or change the note of one that is."""
        self.tell_recalled(request, rules.switch(obj.instance, off=True, note=obj.note))

    def remove(self, rows: list[Switch]) -> int:
        """Switch the instances on; return how many jobs were taken back."""
        return sum(rules.switch(row.instance, off=False) for row in rows)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return the name of an instance that is off."""
        return ("instance",) if obj else ()

"""Launchers in the admin, their switches, and what would start for a path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from offload.admin.base import JsonField, Viewer
from offload.admin.recorded import RecordedAdmin
from offload.core.exceptions import OffloadError
from offload.core.launchers.launcher_decision import EVENT_WORDS, LaunchEvent
from offload.launchers import preview
from offload.launchers.launcher_changes import (
    SWITCH_FIELDS,
    RemoveLauncher,
    SaveLauncher,
    SwitchLaunchers,
)
from offload.launchers.launcher_rules import off_because
from offload.launchers.launching import workflow_problem
from offload.models import Launch, Launcher, LauncherSwitch
from offload.models.change_records import SubjectKind
from offload.models.launching.launcher_rows import EVERYWHERE
from offload.workflows.definitions import all_definitions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest, HttpResponse

    from offload.launchers import Launched
    from offload.operations.changes.change import Change
    from offload.operations.changes.change_outcomes import Outcome

    LauncherBase = forms.ModelForm[Launcher]
else:
    LauncherBase = forms.ModelForm


class LauncherForm(LauncherBase):
    """The form of a launcher."""

    class Meta:
        """The fields that people edit."""

        model = Launcher
        fields = (
            "name", "enabled", "event", "pattern", "exclude", "include", "size_min", "size_max",
            "workflow", "parameters", "input_name", "takes_outputs",
        )  # fmt: skip
        field_classes = dict.fromkeys(("exclude", "include", "parameters"), JsonField)

    def clean_workflow(self) -> str:
        """Return the workflow; raise ValidationError if there is none of that name."""
        name: str = self.cleaned_data["workflow"]
        if problem := workflow_problem(name):
            known = ", ".join(one.name for one in all_definitions())
            raise ValidationError(_("%(problem)s There are: %(known)s."), params={
                "problem": problem, "known": known,
            })  # fmt: skip
        return name


class PathForm(forms.Form):
    """A path, to see what would start for a file there."""

    path = forms.CharField(label=_("Path"), max_length=1024)
    media_type = forms.CharField(label=_("Media type"), max_length=255, required=False)
    size = forms.IntegerField(label=_("Bytes"), min_value=0, required=False)
    event = forms.ChoiceField(
        label=_("It is"),
        choices=[(one.value, EVENT_WORDS[one]) for one in LaunchEvent],
        required=False,
    )

    def outcomes(self) -> tuple[Launched, ...]:
        """Return the outcomes for a path; an invalid one becomes an error of the form."""
        given = self.cleaned_data
        try:
            return preview(
                path=given["path"],
                event=given["event"] or LaunchEvent.GIVEN,
                size=given["size"],
                media_type=given["media_type"] or None,
            )
        except OffloadError as error:
            self.add_error("path", str(error))
            return ()


#: The prefix of the fields of the form on the list: the list refuses any other word in its URL.
TRY = "try"


@admin.register(Launcher)
class LauncherAdmin(RecordedAdmin):
    """Which workflow starts for files that arrive at some paths."""

    form = LauncherForm
    list_display = ("name", "enabled", "event", "pattern", "workflow", "made_by")
    list_filter = ("enabled", "event")
    search_fields = ("name", "pattern", "workflow")
    actions = ("enable", "disable")
    change_list_template = "offload/launcher_list.html"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Return the list; above it, what would start for a path, and whether all are off."""
        asked = request.POST if "ask" in request.POST else None
        form = PathForm(asked, prefix=TRY)
        found = form.outcomes() if form.is_valid() else None
        shown = {"path_form": form, "outcomes": found, "off": off_because()}
        if asked is not None:
            request.method = "GET"
        return super().changelist_view(request, {**(extra_context or {}), **shown})

    @admin.display(description=_("managed by"))
    def made_by(self, launcher: Launcher) -> str:
        """Return whether the settings declare it."""
        return str(_("the settings") if launcher.is_declared else _("people"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return the name of an existing launcher, and every field that the settings give."""
        if obj is None or not obj.is_declared:
            return ("name",) if obj else ()
        return tuple(one for one in self.form.Meta.fields if one not in SWITCH_FIELDS)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to delete a launcher that the settings declare: it would come back."""
        is_declared = obj is not None and obj.is_declared
        return not is_declared and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Launcher, form: Any, change: bool) -> None:
        """Make the launcher, or change what the form changed of it."""
        if change and not form.changed_data:
            return
        given = {name: value for name, value in form.cleaned_data.items() if name != "name"}
        fields = {name: given[name] for name in form.changed_data} if change else given
        outcome = self.carry_out(request, SaveLauncher(name=obj.name, fields=fields))
        obj.pk = outcome.rows[0].pk

    def subject(self, row: Launcher) -> tuple[str, str]:
        """Return the launcher."""
        return SubjectKind.LAUNCHER, row.name

    def removal(self, rows: list[Launcher]) -> Iterable[Change[Outcome]]:
        """Return the changes that remove launchers, except those that the settings declare."""
        return [RemoveLauncher(name=row.name) for row in rows if not row.is_declared]

    @admin.action(description=_("Enable selected launchers"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: Any) -> None:
        """Let the launchers start their workflows."""
        for row in queryset:
            self.carry_out(request, SaveLauncher(name=row.name, fields={"enabled": True}))

    @admin.action(description=_("Disable selected launchers"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: Any) -> None:
        """Let the launchers start nothing."""
        for row in queryset:
            self.carry_out(request, SaveLauncher(name=row.name, fields={"enabled": False}))


@admin.register(LauncherSwitch)
class LauncherSwitchAdmin(RecordedAdmin):
    """Launchers that are switched off: a row while they are."""

    list_display = ("where", "since", "note")
    fields = ("instance", "note")

    @admin.display(description=_("launchers of"))
    def where(self, row: LauncherSwitch) -> str:
        """Return the instance, or that it is all of them."""
        return str(_("the whole site")) if row.instance == EVERYWHERE else row.instance

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return the instance of an existing switch."""
        return ("instance",) if obj else ()

    def save_model(
        self, request: HttpRequest, obj: LauncherSwitch, form: Any, change: bool
    ) -> None:
        """Switch the launchers off."""
        self.carry_out(request, SwitchLaunchers(off=True, instance=obj.instance, note=obj.note))

    def subject(self, row: LauncherSwitch) -> tuple[str, str]:
        """Return the launchers of that instance."""
        return SubjectKind.LAUNCHER, row.instance

    def removal(self, rows: list[LauncherSwitch]) -> Iterable[Change[Outcome]]:
        """Return the changes that switch launchers on."""
        return [SwitchLaunchers(off=False, instance=row.instance) for row in rows]


@admin.register(Launch)
class LaunchAdmin(Viewer):
    """Files for which launchers started runs, the newest first."""

    list_display = ("path", "launcher", "run", "at")
    list_select_related = ("run",)
    search_fields = ("path", "launcher")

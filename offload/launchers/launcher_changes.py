"""Launchers made, changed, removed, and switched off and on as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from offload.core.exceptions import InvalidLauncher
from offload.core.placement.judgement import noted
from offload.launchers.launcher_rules import rulebook
from offload.launchers.launching import workflow_problem
from offload.models import Launcher, LauncherSwitch
from offload.models.change_records import SubjectKind
from offload.models.launching.launcher_rows import EVERYWHERE
from offload.models.validation import error_text
from offload.operations.changes.change import Change
from offload.operations.changes.change_outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.operations.changes.actors import Actor

#: The fields of a declared launcher that people change.
SWITCH_FIELDS = frozenset({"enabled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveLauncher(Change[Outcome]):
    """Make a launcher, or change fields of one; raises InvalidLauncher where it cannot be so."""

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def make(self, by: Actor | None) -> Outcome:
        """Store the row."""
        row = Launcher.objects.filter(name=self.name).first()
        action = "set launcher" if row else "add launcher"
        sentence = _("Changed launcher %(name)s") if row else _("Made launcher %(name)s")
        row = row or Launcher(name=self.name)
        if row.is_declared and not self.fields.keys() <= SWITCH_FIELDS:
            problem = 'it is declared in OFFLOAD["LAUNCHERS"]. Change it there, and run: migrate'
            raise InvalidLauncher(name=self.name, problem=problem)
        for key, value in self.fields.items():
            setattr(row, key, value)
        check(row)
        row.save()
        rulebook.forget()
        text = ", ".join(f"{key} {value}" for key, value in self.fields.items())
        return _outcome(action, row.name, noted(sentence % {"name": row.name}, text), [row])


def check(row: Launcher) -> None:
    """Raise InvalidLauncher for a row that no launcher can be."""
    try:
        row.full_clean()
    except ValidationError as error:
        raise InvalidLauncher(name=row.name, problem=error_text(error)) from error
    if problem := workflow_problem(row.workflow):
        raise InvalidLauncher(name=row.name, problem=problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveLauncher(Change[Outcome]):
    """Remove a launcher; what it launched is not launched again by one of its name."""

    name: str

    def make(self, by: Actor | None) -> Outcome:
        """Delete the row."""
        rows = list(Launcher.objects.filter(name=self.name))
        Launcher.objects.filter(name=self.name).delete()
        rulebook.forget()
        sentence = _("Removed launcher %(name)s.") % {"name": self.name}
        return _outcome("remove launcher", self.name, sentence, rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchLaunchers(Change[Outcome]):
    """Switch all launchers off or on: of the site, or those for an instance's watched folders."""

    off: bool
    instance: str = EVERYWHERE
    note: str = ""

    def make(self, by: Actor | None) -> Outcome:
        """Write or remove the switch."""
        if self.off:
            LauncherSwitch.objects.update_or_create(
                instance=self.instance, defaults={"note": self.note[:255]}
            )
        else:
            LauncherSwitch.objects.filter(pk=self.instance).delete()
        rulebook.forget()
        where = _("this site") if self.instance == EVERYWHERE else self.instance
        sentence = (
            _("Switched launchers of %s off") if self.off else _("Switched launchers of %s on")
        )
        action = "launchers off" if self.off else "launchers on"
        return _outcome(action, self.instance, noted(sentence % where, self.note), [])


def _outcome(action: str, name: str, sentence: str, rows: list[Launcher]) -> Outcome:
    about = ((SubjectKind.LAUNCHER, name),)
    return Outcome(action=action, sentence=sentence, about=about, rows=rows)

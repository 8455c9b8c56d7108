"""Launchers made, changed, removed, and switched off and on as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from offload.core.exceptions import InvalidLauncher, UnknownLauncher
from offload.core.placement.judgement import noted
from offload.launchers import launcher_commands
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
class LauncherOutcome(Outcome):
    """The launcher that a change is about, and the command that takes the change back."""

    launcher: Launcher
    undo: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how to take it back."""
        return (_("To take it back: %s") % self.undo,) if self.undo else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveLauncher(Change[LauncherOutcome]):
    """Make a launcher, or change fields of one.

    Raises InvalidLauncher where it cannot be so, and UnknownLauncher.
    """

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    #: Parameters that are given beside those that it has, and those that are not any more.
    parameters: Mapping[str, Any] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    #: Whether there must be none of that name yet, or must be one; None for both.
    new: bool | None = None

    def make(self, by: Actor | None) -> LauncherOutcome:
        """Store the row."""
        old = Launcher.objects.filter(name=self.name).select_for_update().first()
        self._check(old)
        fields = self._fields(old)
        row = old or Launcher(name=self.name)
        before = {} if row.problem else {key: getattr(row, key) for key in fields}
        for key, value in fields.items():
            setattr(row, key, value)
        check(row)
        row.save()
        rulebook.forget()
        return LauncherOutcome(
            action="set launcher" if old else "add launcher",
            sentence=self._sentence(fields, is_new=old is None),
            about=((SubjectKind.LAUNCHER, row.name),),
            rows=[row],
            launcher=row,
            undo=launcher_commands.undoing(row.name, before, fields) if old else "",
        )

    def _check(self, old: Launcher | None) -> None:
        if old is None:
            if self.new is False:
                raise UnknownLauncher(name=self.name, known=_names())
            return
        problem = ""
        if self.new:
            command = launcher_commands.command("edit", self.name)
            problem = f"there is one of that name. To change it: {command} --help"
        elif old.is_declared and not (self.fields.keys() <= SWITCH_FIELDS and self._is_plain):
            problem = 'it is declared in OFFLOAD["LAUNCHERS"]. Change it there, and run: migrate'
        if problem:
            raise InvalidLauncher(name=self.name, problem=problem)

    @property
    def _is_plain(self) -> bool:
        return not self.parameters and not self.dropped

    def _fields(self, old: Launcher | None) -> Mapping[str, Any]:
        """Return the fields to set, with all parameters if any changes."""
        if self._is_plain:
            return self.fields
        known = old.parameters if old and isinstance(old.parameters, dict) else {}
        if missing := [one for one in self.dropped if one not in known]:
            problem = f"it has no parameter {missing[0]!r:.60} to leave out"
            raise InvalidLauncher(name=self.name, problem=problem)
        kept = {key: value for key, value in known.items() if key not in self.dropped}
        return {**self.fields, "parameters": {**kept, **self.parameters}}

    def _sentence(self, fields: Mapping[str, Any], *, is_new: bool) -> str:
        sentence = _("Made launcher %(name)s") if is_new else _("Changed launcher %(name)s")
        text = ", ".join(f"{key} {value}" for key, value in fields.items())
        return noted(sentence % {"name": self.name}, text)


def check(row: Launcher) -> None:
    """Raise InvalidLauncher for a row that no launcher can be."""
    try:
        row.full_clean()
    except ValidationError as error:
        raise InvalidLauncher(name=row.name, problem=error_text(error)) from error
    if problem := workflow_problem(row.workflow):
        raise InvalidLauncher(name=row.name, problem=problem)


def _names() -> list[str]:
    return list(Launcher.objects.values_list("name", flat=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveLauncher(Change[LauncherOutcome]):
    """Remove a launcher; what it launched is not launched again by one of its name.

    Raises UnknownLauncher, and InvalidLauncher for one that the settings declare.
    """

    name: str

    def make(self, by: Actor | None) -> LauncherOutcome:
        """Delete the row."""
        row = Launcher.objects.filter(name=self.name).select_for_update().first()
        if row is None:
            raise UnknownLauncher(name=self.name, known=_names())
        if row.is_declared:
            problem = (
                'it is declared in OFFLOAD["LAUNCHERS"], and would come back. Remove it there, or: '
                f"{launcher_commands.command('disable', self.name)}"
            )
            raise InvalidLauncher(name=self.name, problem=problem)
        Launcher.objects.filter(pk=row.pk).delete()
        rulebook.forget()
        return LauncherOutcome(
            action="remove launcher",
            sentence=_("Removed launcher %(name)s.") % {"name": self.name},
            about=((SubjectKind.LAUNCHER, self.name),),
            rows=[row],
            launcher=row,
            # A row that was edited by hand may hold what no command says.
            undo="" if row.problem else launcher_commands.making(row),
        )


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
        return Outcome(
            action=action,
            sentence=noted(sentence % where, self.note),
            about=((SubjectKind.LAUNCHER, self.instance),),
        )

"""Rules and switches that end by themselves: each end is a record and an event, as of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from offload.core.placement.judgement import noted
from offload.db import database
from offload.fleet.duties import Duty
from offload.fleet.leadership import leading
from offload.fleet.snapshots import now, snapshot
from offload.models import Instance, Rule, Switch
from offload.models.change_records import Entrance, SubjectKind
from offload.operations.changes import recording, wording
from offload.operations.changes.actors import Actor
from offload.operations.changes.change_outcomes import Outcome
from offload.rules import editing, switching

if TYPE_CHECKING:
    from offload.fleet.leadership import Term

#: Rules that are removed in one transaction.
END_BATCH_RULES = 100
#: The actor of an end that nobody made.
BY_ITSELF = Actor(name="offload", entrance=Entrance.TIME)


def end_switches(term: Term) -> int:
    """Switch instances on whose switch has ended; return how many."""
    moment, every = now(), snapshot().topology.instances
    ended = [one.name for one in every if one.switch and one.switch.has_ended(moment)]
    for name in ended:
        with leading(term):
            _end_switch(name)
    return len(ended)


def _end_switch(name: str) -> None:
    with database.atomic():
        row = Switch.objects.select_for_update().filter(pk=name, until__lte=now()).first()
        if row is None:
            return
        switching.switch(name, off=False)
        what = _("drained") if row.drains else _("switched off")
        sentence = _("%(name)s is on again: it was %(what)s until %(moment)s") % {
            "name": name, "what": what, "moment": wording.moment(row.until),
        }  # fmt: skip
        outcome = Outcome(
            action="end",
            sentence=noted(sentence, row.note),
            about=((SubjectKind.INSTANCE, name),),
            rows=list(Instance.objects.filter(pk=name)),
        )
        recording.record(BY_ITSELF, outcome)


def end_rules(term: Term) -> int:
    """Remove rules that have ended; return how many."""
    found = list(Rule.objects.filter(until__lte=now())[:END_BATCH_RULES])
    if found:
        with leading(term), database.atomic():
            editing.remove(found)
            for rule in found:
                recording.record(BY_ITSELF, _ended(rule))
    return len(found)


def _ended(rule: Rule) -> Outcome:
    return Outcome(
        action="end",
        sentence=noted(_("Ended: %(rule)s") % {"rule": wording.described(rule)}, rule.note),
        about=((rule.scope, rule.target),),
        rows=[],
    )


#: Switches are looked for in the snapshot that the leader has anyway.
SWITCHES = Duty(name="end switches", do=end_switches, every=1.0, needs_term=True)
RULES = Duty(name="end rules", do=end_rules, every=5.0, needs_term=True, batch=END_BATCH_RULES)

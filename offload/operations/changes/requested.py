"""Changes that other clusters ask for: made and recorded as a person's own ones (P14)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from offload.core.exceptions import OffloadError, UnknownInstance
from offload.core.peers.contents import RequestAnswer
from offload.core.peers.field_checks import TEXT_MAX
from offload.core.peers.rule_requests import RequestAction, RequestOutcome, RequestRefusal
from offload.core.placement.topology import RuleVerb
from offload.core.texts import printable, truncated
from offload.models import Instance
from offload.models.change_records import Entrance
from offload.models.versions import current_version
from offload.operations.changes.actors import Actor
from offload.operations.changes.rules import ClearRules, MakeExclusive, WriteRules
from offload.operations.changes.switches import SwitchOff, SwitchOn
from offload.peers.requests import judging

if TYPE_CHECKING:
    from offload.core.peers.contents import Content, RuleRequest
    from offload.operations.changes.change import Change
    from offload.operations.changes.change_outcomes import Outcome

#: Longest note of a rule, in characters.
NOTE_MAX = 255


def take(home: str, request: RuleRequest, now: datetime) -> tuple[Content, ...]:
    """Return the verdict on a request of another cluster; make the change if it is a new one."""
    return judging.take(home, request, now, apply)


def apply(home: str, request: RuleRequest) -> RequestAnswer:
    """Make the change in the surrounding transaction, and record it; return the verdict."""
    by = Actor(name=f"{request.by} of {home}", entrance=Entrance.PEER)
    try:
        Instance.objects.named(request.instance)
        change_of(request, by.name).apply(by)
    except UnknownInstance:
        return judging.refused(request, RequestRefusal.UNKNOWN_INSTANCE)
    except OffloadError as error:
        detail = truncated(printable(str(error)), TEXT_MAX)
        return judging.refused(request, RequestRefusal.INVALID, detail)
    outcome, version = RequestOutcome.APPLIED, current_version()
    return RequestAnswer(key=request.key, outcome=outcome, version=version)


def change_of(request: RuleRequest, by: str) -> Change[Outcome]:
    """Return the change that is asked for; its note says who asked."""
    name, patterns, note = request.instance, request.patterns, _note(request, by)
    match request.action:
        case RequestAction.OFF:
            return SwitchOff(instance=name, note=note)
        case RequestAction.ON:
            return SwitchOn(instance=name)
        case RequestAction.CLEAR:
            return ClearRules(target=name, patterns=patterns)
        case RequestAction.EXCLUSIVE:
            return MakeExclusive(instance=name, patterns=patterns, note=note)
        case _:
            until = None if request.until is None else datetime.fromtimestamp(request.until, UTC)
            verb = RuleVerb(request.action.value)
            return WriteRules(verb=verb, target=name, patterns=patterns, until=until, note=note)


def _note(request: RuleRequest, by: str) -> str:
    return truncated(f"{request.note} ({by})" if request.note else f"by {by}", NOTE_MAX)

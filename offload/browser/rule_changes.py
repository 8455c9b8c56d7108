"""Changes of rules by buttons: read from the form."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.core.exceptions import BadRequest

from offload.browser.keys import posted_text
from offload.core.peers.rule_requests import RequestAction, cluster_and_node
from offload.core.placement.topology import RuleVerb
from offload.operations.changes.requests import AskPeer
from offload.operations.changes.rules import ClearRules, MakeExclusive, WriteRules
from offload.reading.cluster import known_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from offload.operations.changes.change import Change
    from offload.operations.changes.change_outcomes import Outcome
    from offload.operations.changes.rules import RulesOutcome

#: The change that each verb of a cell stands for, of an instance and a pattern.
CHANGES: Mapping[str, Callable[[str, str], Change[RulesOutcome]]] = MappingProxyType(
    {
        "allow": lambda name, one: WriteRules(verb=RuleVerb.ALLOW, target=name, patterns=(one,)),
        "deny": lambda name, one: WriteRules(verb=RuleVerb.DENY, target=name, patterns=(one,)),
        "clear": lambda name, one: ClearRules(target=name, patterns=(one,)),
        "exclusive": lambda name, one: MakeExclusive(instance=name, patterns=(one,)),
    }
)


def read(posted: Mapping[str, Any]) -> Change[Outcome]:
    """Return the change that the pressed button stands for: a request, in another cluster.

    Raise BadRequest unless exactly one was pressed and its value is text, UnknownInstance for an
    instance that the matrix cannot have shown.
    """
    pressed = [verb for verb in CHANGES if verb in posted]
    if len(pressed) != 1:
        raise BadRequest("Send one of allow, deny, clear and exclusive.")
    instance, _space, pattern = posted_text(posted[pressed[0]]).partition(" ")
    if cluster_and_node(instance)[0]:
        action = RequestAction(pressed[0])
        return AskPeer(instance=instance, action=action, patterns=(pattern,))
    return CHANGES[pressed[0]](known_names.announced(instance), pattern)

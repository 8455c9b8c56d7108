"""The rules that apply to each instance, found without asking every rule about every instance."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from offload.core.placement.topology import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.placement.topology import InstanceInfo, RoutingRule


def applicable(
    rules: Sequence[RoutingRule], instances: Sequence[InstanceInfo]
) -> list[list[RoutingRule]]:
    """Return for each instance the rules that name it, in the order of the rules."""
    names: defaultdict[str, list[int]] = defaultdict(list)
    labels: defaultdict[str, list[int]] = defaultdict(list)
    globs: defaultdict[str, list[int]] = defaultdict(list)
    tables = {Scope.INSTANCE: names, Scope.LABEL: labels, Scope.GLOB: globs}
    for place, rule in enumerate(rules):
        tables[rule.scope][rule.target].append(place)
    found = []
    for one in instances:
        places = [*names.get(one.name, ())]
        for label in one.labels:
            places += labels.get(label, ())
        for each in globs.values():
            if rules[each[0]].applies_to(one):
                places += each
        found.append([rules[place] for place in sorted(places)])
    return found

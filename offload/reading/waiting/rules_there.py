"""The rules of other clusters for their own instances: what they refuse though home allows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from offload.core.placement.rule_status import FORBIDDING
from offload.fleet.snapshots import now
from offload.reading.peers.remote_instances import applied_rules
from offload.reading.rules.applied import judge_there

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.placement.reasons import Verdict
    from offload.core.placement.topology import Topology
    from offload.reading.rules.applied import Applied


def noted(verdicts: Sequence[Verdict], topic: str, topology: Topology) -> tuple[Verdict, ...]:
    """Return the verdicts with what the rules of other clusters say against each.

    Without an instance there that has a consumer, nothing is asked of the database.
    """
    applied = applied_rules(one.instance for one in verdicts if one.task)
    if not applied:
        return tuple(verdicts)
    against = {name: _against(name, topic, topology, one) for name, one in applied.items()}
    return tuple(replace(one, there=against.get(one.instance, "")) for one in verdicts)


def sentence(instance: str | None, verdicts: Sequence[Verdict]) -> str:
    """Return why the instance that would run the job refuses it; "" if it does not."""
    found = next((one for one in verdicts if one.instance == instance), None)
    return f"{found.there} It would be refused." if found and found.there else ""


def _against(name: str, topic: str, topology: Topology, applied: Applied) -> str:
    instance = topology.instance(name)
    found = judge_there(instance, topic, applied, now()) if instance else None
    if instance is None or found is None or found.status not in FORBIDDING:
        return ""
    return f"By the rules of {instance.peer}: {found.why}"

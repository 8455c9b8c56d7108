"""A listener for the acceptance tests of the agent."""

from __future__ import annotations

from offload.topology import TopologyEvent, listener
from tests.acceptance.site.journal import note


@listener
def write_down(event: TopologyEvent) -> None:
    """Write down what happened, and who came and went, as the agent of an instance hears it."""
    found = event.difference
    came, went = ([one.name for one in each] for each in (found.added, found.removed))
    seen = event.new or event.old
    assert seen is not None
    assert seen.local is not None
    note(event.kind.name, f"{','.join(came)} | {','.join(went)}", instance=seen.local.name)

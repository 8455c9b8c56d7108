"""Properties that functions of a site give to real workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import offload
from offload.topology import view
from tests.acceptance.site.journal import events
from tests.acceptance.site.properties import file
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet

GIVEN = {"ACCEPTANCE_PROPERTIES": "1", "OFFLOAD_LABELS": "gpu,rack=3"}


@pytest.mark.everywhere
def test_a_property_changes_while_the_worker_runs_and_one_that_hangs_delays_no_beat(
    fleet: Fleet,
) -> None:
    fleet.need("a")
    file().write_text("2")
    worker = fleet.start("gpu", variables=GIVEN)
    eventually(lambda: worker.row.facts.get("gpus") == 2, what="the first value")
    incarnation = worker.row.incarnation
    before = view().instance(worker.name)

    file().write_text("1")
    eventually(lambda: worker.row.facts["gpus"] == 1, what="the value that changed")

    assert before is not None
    assert (before.properties["gpus"], before.properties["rack"]) == (2, "3")
    assert before.properties["offload"] == offload.__version__
    after = eventually(lambda: seen if (seen := view().instance(worker.name)) != before else None)
    assert after.properties["gpus"] == 1
    needy = offload.submit("acc/where", requires={"gpus": {">=": 2}})
    modest = {"gpus": {">=": 1}, "rack": "3", "labels": ["gpu"]}
    assert offload.submit("acc/where", requires=modest).result(timeout=60) == [worker.name, 1]
    assert "gpus is 1, and must be >= 2" in offload.explain(needy).sentence
    file().write_text("2")
    assert needy.result(timeout=60)[0] == worker.name

    file().unlink()
    told = eventually(
        lambda: found if len(found := worker.row.load.get("providers", {})) == 2 else None,
        what="that one fails and one hangs",
    )
    assert "FileNotFoundError" in told["gpus"]
    assert "it has not returned for more than 10 s" in told["stuck"]
    assert worker.row.facts["gpus"] == 2
    assert {one.job for one in events(what="stuck")} == {str(worker.process.pid)}, "in the agent"
    assert len(events(what="stuck")) == 1
    assert worker.row.incarnation == incarnation, "it was never declared gone"


def test_an_agent_that_is_started_anew_keeps_the_values_of_its_worker(fleet: Fleet) -> None:
    fleet.need()
    file().write_text("2")
    worker = fleet.start("gpu", variables=GIVEN)
    eventually(lambda: worker.row.facts.get("gpus") == 2, what="the first value")
    file().unlink()
    agent = worker.agent

    agent.kill()
    eventually(lambda: "gpus" in worker.row.load.get("providers", {}), what="it fails in the next")

    assert worker.row.facts["gpus"] == 2

"""Workers that announce themselves and do not do their work: each cause, and the way back."""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any

from django.core.management import call_command

import offload
from offload.core.placement.topology import Mode
from offload.core.states import JobState
from offload.messaging.publisher import instance_queue
from tests.acceptance.peers.cable import Cable, cable
from tests.acceptance.watching import ended, runner
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.fleet import Fleet, Worker
    from tests.acceptance.place import Place


def said(*words: str) -> str:
    """Return the answer of a verb."""
    out = StringIO()
    call_command("offload", *words, stdout=out)
    return " ".join(out.getvalue().split())


def suspected(worker: Worker, trouble: str) -> dict[str, Any]:
    """Wait until a worker is suspect of this; return its facts as the verb tells them."""
    eventually(lambda: worker.row.trouble == trouble, what=f"it is suspect of {trouble}")
    (facts,) = json.loads(said("instances", "--json"))
    assert (facts["state"], facts["trouble"]) == ("suspect", trouble)
    return dict(facts)


def ready(worker: Worker) -> None:
    """Wait until a worker takes work again, by itself."""
    eventually(lambda: worker.is_ready, what=f"{worker.name} takes work again")
    assert (worker.row.trouble, worker.row.remedy) == ("", "")


@contextmanager
def behind_a_cable(fleet: Fleet, place: Place) -> Iterator[tuple[Worker, Cable]]:
    """Start the only worker, whose parent receives through a cable; its agent sends directly."""
    fleet.need()
    with cable(place.broker) as laid:
        yield fleet.start("c", variables={"ACCEPTANCE_BROKER_READ": laid.url}), laid
        fleet.drop("c")


def test_a_loop_that_stands_still_makes_its_instance_suspect_and_moves_what_has_not_begun(
    fleet: Fleet, tmp_path: Path
) -> None:
    (worker,) = fleet.need("a")
    gate = tmp_path / "gate"
    jobs = offload.submit_many("acc/gate", [{"gate": str(gate)}] * 4)
    eventually(lambda: sum(one.row.state == JobState.ACTIVE for one in jobs) == 2, what="two runs")
    eventually(lambda: sum(one.row.state == JobState.QUEUED for one in jobs) == 2, what="two more")

    worker.send(signal.SIGSTOP)
    suspected(worker, "loop")
    eventually(lambda: "2 unstarted jobs were given back" in worker.row.remedy, what="a remedy")

    waits = next(one for one in jobs if one.row.state == JobState.PENDING)
    why = f"{worker.name} is suspect since {worker.row.mode_at:%Y-%m-%d %H:%M:%S}"
    for words in (("explain", waits.id), ("instances",), ("doctor",)):
        text = said(*words)
        assert why in text
        assert "its consumer's loop stands still. 2 unstarted jobs were given back." in text
        assert "Its consumer was told to start anew, 1 time." in text

    worker.send(signal.SIGCONT)
    ready(worker)
    gate.touch()
    assert {ended(one).state for one in jobs} == {JobState.SUCCEEDED}


def test_a_cut_connection_makes_an_instance_suspect_and_no_process_idles_behind_a_long_run(
    fleet: Fleet, place: Place, tmp_path: Path
) -> None:
    with behind_a_cable(fleet, place) as (worker, laid):
        gate = tmp_path / "gate"
        long = offload.submit("acc/gate", {"gate": str(gate)})
        runner(fleet, long)

        laid.cut()
        suspected(worker, "broker")
        meanwhile = offload.submit("acc/quick", {"value": 1})
        assert "its connection to the broker is lost" in said("explain", meanwhile.id)
        assert meanwhile.row.state == JobState.PENDING
        assert "its connection to the broker is lost" in said("doctor")

        laid.mend()
        ready(worker)
        assert ended(meanwhile).state == JobState.SUCCEEDED
        assert long.row.state == JobState.ACTIVE
        gate.touch()
        assert ended(long).attempts == 1


def test_messages_that_vanish_make_an_instance_suspect_until_its_consumer_hears_again(
    fleet: Fleet, place: Place
) -> None:
    with behind_a_cable(fleet, place) as (worker, laid):
        assert offload.submit("acc/quick", {"value": 0}).result(60) == 0

        laid.lose(instance_queue(worker.name).name)
        job = offload.submit("acc/quick", {"value": 1})
        suspected(worker, "messages")
        eventually(lambda: job.row.state == JobState.PENDING, what="that it is given back")
        for words in (("explain", job.id), ("instances", worker.name), ("doctor",)):
            assert "messages that are sent to it do not arrive" in said(*words)
        eventually(lambda: "start anew, 2 times" in worker.row.remedy, what="another try")

        laid.mend()
        ready(worker)
        assert ended(job).state == JobState.SUCCEEDED
        assert worker.row.mode == Mode.READY

"""What functions of a site return becomes properties of the instance, by its heartbeat."""

from __future__ import annotations

import os
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from offload.core.placement.topology import Mode
from offload.fleet import leadership, membership, own_facts, properties
from offload.models import Instance
from offload.models.versions import current_version
from offload.topology import TopologyEvent, TopologyEventKind, listen, providing, view, watcher
from offload.topology.providers import Provider
from offload.topology.providing import Properties
from offload.worker.agent import naming
from offload.worker.agent.heartbeat import Heartbeat
from offload.worker.reports import Report
from tests.integration.world import HERE, statements
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

SPEC: dict[str, Any] = {
    "name": HERE,
    "pid": os.getpid(),
    "consumers": [],
    "concurrency": 2,
    "can_kill": True,
    "can_limit": True,
    "labels": ["gpu", "rack=3"],
    "restarted": False,
}
#: What is stopped after the test.
STARTED: list[Properties | Heartbeat] = []


@pytest.fixture(autouse=True)
def _brisk(database_alias: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look and beat often, and end with no thread of this test."""
    monkeypatch.setattr(watcher, "PACE_SECONDS", 0.01)
    monkeypatch.setattr(providing, "LIMIT_SECONDS", 0.1)
    given = {**django_settings.OFFLOAD, "TOPOLOGY_AGE": 0, "HEARTBEAT": 0.1, "TIMEOUT": 30}
    with override_settings(OFFLOAD={**given, "DATABASE": database_alias}):
        yield
        while STARTED:
            STARTED.pop().stop()
        eventually(lambda: not threads(), what="every thread has ended")


def threads() -> list[str]:
    """Return the names of the threads that a test has started."""
    names = (one.name for one in threading.enumerate())
    return [name for name in names if name.startswith(("topology-", "heartbeat"))]


class Given:
    """A function of a site, and the value it returns now."""

    def __init__(self, value: Any) -> None:
        """Return this value until told otherwise."""
        self.value = value
        self.calls = 0

    def __call__(self) -> Any:
        """Return the value, or raise it."""
        self.calls += 1
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


def heartbeat(*, restarted: bool = False, **functions: Any) -> Heartbeat:
    """Let an instance join, as its agent does, and return its heartbeat before the first beat."""
    spec = {**SPEC, "restarted": restarted}
    incarnation = naming.settle(naming.announced(spec), again=restarted)
    found = Properties(
        naming.fixed_properties(spec),
        [
            Provider(name=name, function=function, every=0.1, place=f"site.{name}")
            for name, function in functions.items()
        ],
    )
    STARTED.append(found)
    link: Any = SimpleNamespace(send=lambda _: True)
    made = Heartbeat(HERE, incarnation, link, spec, properties=found)
    made.hear(Report(mode=Mode.READY, concurrency=2))
    return made


def beating(**functions: Any) -> Heartbeat:
    """Return a heartbeat in its thread."""
    made = heartbeat(**functions)
    STARTED.append(made)
    made.start()
    return made


def announced() -> dict[str, Any]:
    """Return the properties in the instance's row."""
    found: dict[str, Any] = Instance.objects.get(pk=HERE).facts
    return found


def test_fixed_properties_are_announced_with_the_instance() -> None:
    heartbeat(gpu=Given("a100"))

    assert announced() == {**properties.built_in(), "rack": "3"}
    assert Instance.objects.get(pk=HERE).labels == ["gpu", "rack=3"]


def test_a_change_reaches_listeners_once_and_numbers_stay_numbers() -> None:
    free = Given(7)
    made = beating(free=free)
    assert leadership.acquire(HERE, made.incarnation)
    eventually(lambda: announced().get("free") == 7, what="the first value")
    eventually(lambda: view().leader and view().instances[0].mode is Mode.READY)
    heard: list[TopologyEvent] = []
    with listen(heard.append):
        eventually(lambda: heard)
        version = current_version()

        free.value = 8.5
        eventually(lambda: len(heard) == 2)
        calls = free.calls
        eventually(lambda: free.calls > calls + 3, what="it is called again")
        free.value = "none"
        eventually(lambda: len(heard) == 3)

    assert [one.kind for one in heard[1:]] == [TopologyEventKind.PROPERTIES_CHANGED] * 2
    assert [_free(one) for one in heard] == [7, 8.5, "none"]
    assert current_version() == version + 2
    assert view().instances[0].properties["free"] == "none"


def _free(event: TopologyEvent) -> object:
    assert event.new is not None
    return event.new.instances[0].properties["free"]


@pytest.mark.parametrize("functions", [{}, {"gpu": Given("a100")}], ids=["none", "one"])
def test_an_idle_beat_costs_one_statement_with_properties_and_without(
    functions: dict[str, Any],
) -> None:
    made = heartbeat(**functions)
    made._properties.start()
    eventually(lambda: not made._properties.pending)
    made._beat()
    version = current_version()

    with statements() as found:
        made._beat()

    assert len(found) == 1
    assert found[0].startswith("UPDATE")
    assert current_version() == version


def test_a_function_that_hangs_delays_no_beat_and_is_announced_as_failing() -> None:
    over = threading.Event()
    made = beating(slow=lambda: over.wait(60), gpu=Given("a100"))
    eventually(lambda: announced().get("gpu") == "a100")
    beat = Instance.objects.get(pk=HERE).beat

    told = eventually(lambda: Instance.objects.get(pk=HERE).load.get("providers"))
    eventually(lambda: Instance.objects.get(pk=HERE).beat > beat + 3)

    assert told == {"slow": "site.slow: it has not returned for more than 0.1 s"}
    assert "slow" not in announced()
    over.set()
    eventually(lambda: announced().get("slow") is True)
    eventually(lambda: "providers" not in Instance.objects.get(pk=HERE).load)
    assert made.is_alive()


def test_what_raises_keeps_its_last_value() -> None:
    gpu = Given("a100")
    beating(gpu=gpu)
    eventually(lambda: announced().get("gpu"))

    gpu.value = ValueError("no device")

    told = eventually(lambda: Instance.objects.get(pk=HERE).load.get("providers"))
    assert told == {"gpu": "site.gpu: ValueError: no device"}
    assert announced()["gpu"] == "a100"


def test_an_agent_that_is_started_anew_keeps_values_until_there_are_others() -> None:
    first = heartbeat(gpu=Given("a100"), slow=Given("old"))
    first._properties.start()
    eventually(lambda: not first._properties.pending)
    first._beat()
    assert announced()["slow"] == "old"

    over = threading.Event()
    again = heartbeat(restarted=True, gpu=Given("h100"), slow=lambda: over.wait(60))
    assert again.incarnation == first.incarnation
    again._properties.start()
    eventually(lambda: again._properties.pending == {"slow"})
    again._beat()
    over.set()

    assert (announced()["gpu"], announced()["slow"]) == ("h100", "old")


def test_an_agent_that_is_started_anew_without_news_raises_no_version() -> None:
    first = heartbeat()
    first._beat()
    version = current_version()

    heartbeat(restarted=True)._beat()

    assert current_version() == version


def test_who_was_declared_gone_comes_back_with_its_values() -> None:
    made = heartbeat(gpu=Given("a100"))
    made._properties.start()
    eventually(lambda: not made._properties.pending)
    beat = Instance.objects.get(pk=HERE).beat
    assert membership.declare_gone(HERE, made.incarnation, beat=beat, reason="silent")

    made._beat()

    assert Instance.objects.get(pk=HERE).mode == Mode.STARTING
    assert announced()["gpu"] == "a100"


def test_properties_of_another_incarnation_are_left_alone() -> None:
    heartbeat()

    own_facts.set_properties(HERE, "another", {"gpu": "a100"})

    assert "gpu" not in announced()

from __future__ import annotations

import functools
from datetime import timedelta
from typing import Any

import pytest

from offload.core.exceptions import InvalidNumber, InvalidProperty
from offload.topology import providers, topology_property
from offload.topology.providers import PROVIDERS_MAX
from offload.worker.parent import start_refusals


@pytest.fixture(autouse=True)
def _none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "declared", {})


def free() -> int:
    return 7


def test_a_function_is_declared_and_stays_what_it_is() -> None:
    assert topology_property("gpu.free", every=5)(free) is free

    [found] = providers.declared.values()
    assert (found.name, found.every, found.function()) == ("gpu.free", 5, 7)
    assert found.place == f"{__name__}.free (line {free.__code__.co_firstlineno})"


@pytest.mark.parametrize(("every", "seconds"), [(timedelta(minutes=2), 120), (0.1, 0.1)])
def test_the_pace_is_seconds_or_a_duration(every: float | timedelta, seconds: float) -> None:
    topology_property("gpu", every=every)(free)

    assert [one.every for one in providers.declared.values()] == [seconds]


@pytest.mark.parametrize("every", [0, -1, 0.05, 86_401, timedelta(days=2), "5", True, float("nan")])
def test_a_pace_that_is_none_is_refused(every: Any) -> None:
    with pytest.raises(InvalidNumber, match=r"every.*from 0\.1 to 86,400"):
        topology_property("gpu", every=every)
    assert providers.declared == {}


async def later() -> int:
    return 7


def wants(device: int) -> int:
    return device


@pytest.mark.parametrize(
    ("name", "function", "told"),
    [
        ("my gpu", free, "'my gpu' .* not made of letters"),
        (free, free, r"Write @topology_property\('gpu'\)"),
        ("gpu", 7, "7 is no function"),
        ("gpu", later, "'later' is async"),
        ("gpu", wants, "'wants' cannot be called without arguments: missing .* 'device'"),
    ],
)
def test_what_cannot_give_a_property_is_refused(name: Any, function: Any, told: str) -> None:
    with pytest.raises(InvalidProperty, match=told):
        topology_property(name)(function)
    assert providers.declared == {}


def test_a_module_that_is_loaded_again_declares_the_same() -> None:
    for _ in range(2):
        topology_property("gpu")(free)

    assert len(providers.declared) == 1


def test_there_is_an_end_to_how_many_are_declared() -> None:
    for number in range(PROVIDERS_MAX):
        topology_property(f"p{number}")(free)
    topology_property("p0")(free)

    with pytest.raises(InvalidProperty, match=r"'more' .* 32 functions give properties already"):
        topology_property("more")(free)


def test_a_worker_starts_with_names_that_differ(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OFFLOAD_LABELS", "gpu,rack=3")
    topology_property("gpu")(free)

    start_refusals.refuse_properties()

    assert caplog.messages == []


def test_a_worker_two_of_whose_properties_have_one_name_does_not_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OFFLOAD_LABELS", "rack=3")
    topology_property("rack")(free)
    topology_property("cpus")(functools.partial(wants, 1))
    for function in (free, lambda: 8):
        topology_property("gpu")(function)

    with pytest.raises(SystemExit):
        start_refusals.refuse_properties()

    cpus, gpu, rack = caplog.messages
    assert "'cpus' is given by offload itself and by functools.partial. Rename" in cpus
    assert f"'gpu' is given by {__name__}.free (line " in gpu
    assert ") and by tests.unit." in gpu
    assert "'rack' is given by OFFLOAD_LABELS in the environment and by tests.unit." in rack

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from offload.topology import providing
from offload.topology.providers import Provider
from offload.topology.providing import Properties
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: What is stopped after the test.
STARTED: list[Properties] = []


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(providing, "LIMIT_SECONDS", 0.1)
    yield
    while STARTED:
        STARTED.pop().stop()


def given(name: str, function: Callable[[], Any], every: float = 0.01) -> Provider:
    return Provider(name=name, function=function, every=every, place=f"site.{name}")


def now(found: Properties) -> dict[str, Any]:
    return dict(found.now)


def started(*providers: Provider) -> Properties:
    STARTED.append(Properties({"cpus": 8}, providers))
    STARTED[-1].start()
    return STARTED[-1]


def test_without_functions_there_are_the_fixed_ones_and_no_thread() -> None:
    before = threading.active_count()
    found = started()

    assert (found.now, found.pending, found.failing) == ({"cpus": 8}, frozenset(), {})
    assert threading.active_count() == before


def test_a_function_is_called_again_and_again_and_its_last_value_counts() -> None:
    values = iter(range(1_000_000))
    found = started(given("free", lambda: next(values)))

    eventually(lambda: now(found).get("free", 0) > 3)

    assert found.now["cpus"] == 8
    assert (found.pending, found.failing) == (frozenset(), {})


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no device"), "site.gpu: ValueError: no device"),
        (SystemExit(1), "site.gpu: SystemExit: 1"),
    ],
)
def test_one_that_raises_keeps_its_value_is_told_of_and_called_again(
    error: BaseException, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    state: dict[str, Any] = {"value": "a100", "calls": 0}

    def gpu() -> str:
        state["calls"] += 1
        if state["value"] is None:
            raise error
        return str(state["value"])

    found = started(given("gpu", gpu))
    eventually(lambda: found.now.get("gpu"))
    state["value"] = None
    eventually(lambda: found.failing)
    calls = state["calls"]
    eventually(lambda: state["calls"] > calls + 3, what="it is called again")

    assert found.failing == {"gpu": told}
    assert found.now["gpu"] == "a100"
    assert [one.getMessage() for one in caplog.records] == [
        "the property 'gpu' is not renewed: site.gpu failed"
    ]
    state["value"] = "h100"
    eventually(lambda: found.now["gpu"] == "h100")
    eventually(lambda: not found.failing)


def test_a_value_that_can_be_none_is_an_error_like_others() -> None:
    found = started(given("gpu", lambda: ["a100"]))

    told = eventually(lambda: found.failing)["gpu"]

    assert "InvalidProperty: 'gpu' cannot be a property" in told
    assert "of type list" in told
    assert found.pending == {"gpu"}


def test_one_that_hangs_delays_no_other_and_is_heard_when_it_returns() -> None:
    over, values = threading.Event(), iter(range(1_000_000))

    def hang() -> str:
        over.wait(60)
        return "at last"

    found = started(given("slow", hang), given("free", lambda: next(values)))
    told = eventually(lambda: found.failing)
    seen = now(found)["free"]
    eventually(lambda: now(found)["free"] > seen + 3)

    assert told == {"slow": "site.slow: it has not returned for more than 0.1 s"}
    assert found.pending == {"slow"}
    over.set()
    eventually(lambda: found.now.get("slow") == "at last")
    eventually(lambda: not found.failing)

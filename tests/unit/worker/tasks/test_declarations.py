from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery

from offload.fleet import clashes
from offload.worker.parent import start_refusals
from offload.worker.tasks import consumers
from offload.worker.tasks.consumers import consumer
from offload.worker.tasks.declarations import task_of
from offload.worker.tasks.task import ConsumerTask

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _nothing_declared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    declared = clashes.declared
    before = {name: set(places) for name, places in declared.items()}
    declared.clear()
    # No app is to know what is declared here.
    monkeypatch.setattr(consumers, "shared_task", lambda **_: lambda function: function)
    yield
    declared.clear()
    declared.update(before)


def announced(pattern: str, task: str, ranking: int = 0) -> dict[str, Any]:
    return {"pattern": pattern, "task": task, "ranking": ranking}


def test_a_pattern_that_two_tasks_consume_ends_the_worker_with_what_to_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    two = [announced("mail/*", "site.b"), announced("mail/*", "site.a"), announced("x", "site.c")]

    with pytest.raises(SystemExit) as ended:
        start_refusals.refuse_clashes(two)

    assert ended.value.code == os.EX_CONFIG
    assert "site.a and site.b consume 'mail/*' with the ranking 0" in caplog.text
    assert "a higher ranking=" in caplog.text


def test_a_ranking_decides_between_consumers_of_one_pattern() -> None:
    start_refusals.refuse_clashes([announced("mail/*", "site.a"), announced("mail/*", "site.b", 1)])


def test_two_functions_of_one_name_end_the_worker_with_both_places(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def render(job: object) -> None: ...

    def other(job: object) -> None: ...

    for pattern, function in (("a/one", render), ("a/two", other)):
        consumer(pattern, name="site.render")(function)

    with pytest.raises(SystemExit):
        start_refusals.refuse_clashes([])

    assert "2 consumers have the name site.render" in caplog.text
    assert f"'a/one' in {__file__}:" in caplog.text
    assert f"'a/two' in {__file__}:" in caplog.text


def test_a_module_that_is_loaded_twice_declares_nothing_twice() -> None:
    def render(job: object) -> None: ...

    for _ in range(2):
        consumer("a/one", name="site.again")(render)

    start_refusals.refuse_clashes([])


@pytest.mark.parametrize("order", [("low", "high"), ("high", "low")])
def test_a_test_of_the_site_runs_the_consumer_that_a_worker_would(order: tuple[str, str]) -> None:
    def send(job: object) -> None: ...

    app: Any = Celery("ranked", set_as_current=False)
    for name in order:
        ranking = 5 if name == "high" else 0
        options = {"pattern": "mail/*", "ranking": ranking, "shared": False}
        app.task(base=ConsumerTask, name=name, **options)(send)

    assert task_of(app, "", "mail/out").name == "high"

"""Nodes that a failure cuts off end, and callbacks are called, however deeply nested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord, group
from celery.exceptions import ChordError

from offload.models import Dependency, Job, Join
from tests.integration.driving.fixtures import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named

both = pytest.mark.parametrize("app", BACKENDS, indirect=True)


def pair(job: Named) -> Any:
    return chord([job.add.s(1), job.add.s(2)], job.total.s())


def failing(job: Named, body: Any) -> Any:
    return chord([job.add.s(1, 1), job.fail.si()], body)


SHAPES: dict[str, Callable[[Any], Any]] = {
    "chord behind a failed chord": lambda j: chain(failing(j, j.total.s()), pair(j)),
    "the same in a group": lambda j: group(chain(failing(j, j.total.s()), pair(j)), j.add.s(1, 1)),
    "the same, all members failed": lambda j: group(
        chain(chord([j.fail.si(), j.fail.si()], j.total.s()), pair(j)), j.add.s(1, 1)
    ),
    "chord behind a failed chord whose body is a group": lambda j: group(
        chain(failing(j, group(j.add.s(1), j.add.s(2))), pair(j)), j.add.s(1, 1)
    ),
    "chords behind chords, as the body of a chord": lambda j: chord(
        [j.add.si(1, 1)],
        chain(
            j.total.s(),
            failing(j, chain(j.total.s(), group(j.add.s(1), j.add.s(2)), j.total.s())),
        ),
    ),
    "steps and chords behind a failed chord": lambda j: chain(
        failing(j, j.total.s()), j.add.s(1), pair(j), group(j.add.s(1), pair(j)), j.same.s()
    ),
    "chords in the header of a chord that never began": lambda j: chain(
        j.fail.si(), chord([pair(j), chain(j.add.s(1), pair(j))], chain(j.total.s(), pair(j)))
    ),
    "chord as the body of a failed chord": lambda j: failing(j, pair(j)),
}


def results_of(result: Any) -> Iterator[Any]:
    """Yield every single result that hangs together with one."""
    for one in getattr(result, "results", None) or []:
        yield from results_of(one)
    if getattr(result, "results", None) is None:
        yield result
    if result.parent is not None:
        yield from results_of(result.parent)


@both
@pytest.mark.parametrize("shape", SHAPES)
def test_whatever_is_cut_off_has_its_end(
    app: Celery, job: Named, driver: Driver, shape: str
) -> None:
    result = SHAPES[shape](job).apply_async()

    driver.run_all()

    ids = {one.id for one in results_of(result)}
    assert ids <= set(Job.objects.values_list("pk", flat=True))
    assert not Job.objects.unfinished().exists()
    assert not Dependency.objects.filter(state="").exists()
    assert not Join.objects.filter(fired=False).exists()
    last = getattr(result, "results", [result])[0]
    assert app.AsyncResult(last.id).state == "FAILURE"


def called(calls: list[Any]) -> list[str]:
    return sorted(call[1] for call in calls)


def test_callbacks_of_a_group_as_body_are_called_for_each_task_of_it(
    job: Named, driver: Driver, calls: list[Any]
) -> None:
    first = job.total.s().on_error(job.heard.s(name="own"))
    body = group(first, job.total.s(), chord([job.same.s()], job.total.s()))
    result = failing(job, body).apply_async(link_error=job.heard.s(name="chord"))

    driver.run_all()

    assert called(calls) == ["chord", "chord", "chord", "own"]
    assert {call[0] for call in calls} == {one.id for one in result.results}


def test_a_callback_set_as_one_signature_is_called(
    job: Named, driver: Driver, calls: list[Any]
) -> None:
    first = job.total.s().set(link_error=job.heard.s(name="own"))
    failing(job, group(first, job.total.s())).apply_async()

    driver.run_all()

    assert called(calls) == ["own"]


@pytest.mark.parametrize("how", ["told", "heard"])
@pytest.mark.parametrize(
    "kind", ["chord", "chain that ends in a group", "chain", "chain of groups"]
)
def test_callbacks_of_a_nested_body_are_called_once(
    job: Named, driver: Driver, calls: list[Any], kind: str, how: str
) -> None:
    body = {
        "chord": pair(job),
        "chain that ends in a group": chain(job.total.s(), group(job.add.s(1), job.add.s(2))),
        "chain": chain(job.total.s(), job.add.s(1)),
        "chain of groups": chain(group(job.same.s(), job.same.s()), group(job.same.s())),
    }[kind]
    failing(job, body).apply_async(link_error=getattr(job, how).s())

    driver.run_all()

    assert len(calls) == 1
    assert not Job.objects.filter(task__in=("offload.errback", "jobs.heard")).exclude(
        state="SUCCEEDED"
    )
    if how == "told":
        assert calls[0][1].startswith("ChordError")


def test_a_callback_linked_to_a_chord_in_a_chord_is_called_once(
    app: Celery, job: Named, driver: Driver, calls: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.conf, "task_allow_error_cb_on_chord_header", False)
    outer = chord([job.same.si(3), failing(job, job.same.si(2))], job.same.si(4))
    with pytest.warns(match="task_allow_error_cb_on_chord_header"):
        outer.link_error(job.heard.si("id", name="outer"))
    outer.apply_async()

    driver.run_all()

    assert called(calls) == ["outer"]
    assert not Job.objects.unfinished().exists()


def test_a_callback_of_both_chords_is_called_for_both_where_the_inner_body_failed(
    job: Named, driver: Driver, calls: list[Any]
) -> None:
    errback = job.heard.si("id", name="both")
    inner = chord([job.add.s(1)], job.fail.s().on_error(errback))
    chord([job.same.si(3), inner], job.same.s().on_error(errback)).apply_async()

    driver.run_all()

    assert called(calls) == ["both", "both"]


@both
def test_the_tasks_of_a_group_as_body_fail_with_what_the_member_raised(
    app: Celery, job: Named, driver: Driver
) -> None:
    result = failing(job, group(job.total.s(), job.same.s())).apply_async()

    driver.run_all()

    for one in result.results:
        with pytest.raises(ValueError, match="wrong"):
            app.AsyncResult(one.id).get(timeout=1)


def test_a_body_of_one_task_fails_with_a_chord_error(
    app: Celery, job: Named, driver: Driver
) -> None:
    result = failing(job, job.total.s()).apply_async()

    driver.run_all()

    with pytest.raises(ChordError, match=r"ValueError\('wrong'\)"):
        app.AsyncResult(result.id).get(timeout=1)


def test_who_sees_a_failure_sees_what_it_cut_off(app: Celery, job: Named, driver: Driver) -> None:
    last: Any = chain(job.fail.si(), job.same.s(), job.same.s()).apply_async()
    first = last.parent.parent

    driver.run(first.id)

    assert [app.AsyncResult(one.id).state for one in (first, last.parent, last)] == ["FAILURE"] * 3

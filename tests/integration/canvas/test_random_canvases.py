"""Laws that hold for any canvas, however nested, and whatever fails in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import count, cycle, repeat
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord, group
from celery._state import _set_current_app  # type: ignore[attr-defined]
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from offload.models import Dependency, Job, Join
from tests.conftest import empty
from tests.databases import SQLITE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named

#: A kind, what is in it, and whether a callback of its failure is linked to it.
Plan = tuple[str, Any, bool]

TASKS = st.tuples(st.just("task"), st.sampled_from(["ok", "fail"]), st.booleans())


def nested(inner: Any) -> Any:
    """Return plans of canvases that hold these."""
    several = st.lists(inner, min_size=1, max_size=2)
    chords = st.tuples(st.just("chord"), st.tuples(several, inner), st.booleans())
    steps = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        chords,
        st.tuples(st.just("chain"), steps, st.booleans()),
        st.tuples(st.just("group"), several, st.booleans()),
    )


CANVASES = nested(st.recursive(TASKS, nested, max_leaves=5))
OK, FAIL = ("task", "ok", False), ("task", "fail", False)
FAILED: Plan = ("chord", ([OK, FAIL], ("task", "ok", True)), True)
#: Where ends and calls were lost once.
CHORDS_BEHIND: Plan = ("chain", [FAILED, FAILED, OK], True)
GROUP_BEHIND: Plan = ("chord", ([FAIL], ("group", [FAILED, ("task", "ok", True)], False)), True)
few = settings(
    max_examples=30, deadline=None, database=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
pytestmark = [
    pytest.mark.parametrize("database_alias", [SQLITE], indirect=True),
    pytest.mark.timeout(600),
]


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes canvases of plans; each callback notes a name of its own."""

    callbacks: Named
    #: Kind of the next task: job or plain task.
    tasks: Iterator[Named]
    numbers: Iterator[int] = field(default_factory=count)

    def build(self, plan: Plan) -> Any:
        """Return the canvas."""
        kind, what, is_linked = plan
        name = f"{kind} {next(self.numbers)}"
        made = getattr(self, f"_{kind}")(what)
        if is_linked:
            made.link_error(self.callbacks.heard.si("", name=name))
        return made

    def _task(self, what: str) -> Any:
        named = next(self.tasks)
        return named.fail.si() if what == "fail" else named.same.si(1)

    def _chain(self, what: list[Plan]) -> Any:
        return chain(*(self.build(one) for one in what))

    def _group(self, what: list[Plan]) -> Any:
        return group([self.build(one) for one in what])

    def _chord(self, what: tuple[list[Plan], Plan]) -> Any:
        header, body = what
        return chord([self.build(one) for one in header], self.build(body))


@dataclass(frozen=True, slots=True)
class Trial:
    """Runs a canvas on an empty database."""

    driver: Driver
    calls: list[Any]
    alias: str

    def run(self, builder: Builder, plan: Plan) -> tuple[set[str], Counter[str]]:
        """Return the ids that hang together with its result, and the callbacks by name."""
        empty(self.alias)
        self.calls.clear()
        result = builder.build(plan).apply_async()
        self.driver.run_all()
        return set(ids_of(result)), Counter(name for _, name in self.calls)


def ids_of(result: Any) -> Iterator[str]:
    """Yield the ids of all single results that hang together with one."""
    inner = getattr(result, "results", None)
    if inner is None:
        yield result.id
    for one in [*(inner or ()), result.parent]:
        yield from ids_of(one) if one is not None else ()


@pytest.fixture
def trial(driver: Driver, calls: list[Any], app: Celery, database_alias: str) -> Iterator[Trial]:
    """Return a runner of canvases; the app is the one that Celery finds by itself."""
    _set_current_app(app)
    yield Trial(driver, calls, database_alias)
    _set_current_app(None)


def is_nothing_open() -> bool:
    """Return whether all rows are final, and all joins have fired."""
    waiting = Dependency.objects.filter(state="") | Dependency.objects.filter(join__fired=False)
    open_joins = Join.objects.filter(fired=False)
    return not (Job.objects.unfinished() or waiting or open_joins)


def test_every_node_ends_and_every_callback_is_called_as_often_as_by_celery(
    app: Celery, job: Named, plain: Named, trial: Trial
) -> None:
    @few
    @given(CANVASES)
    @example(CHORDS_BEHIND)
    @example(GROUP_BEHIND)
    def check(plan: Plan) -> None:
        there, by_celery = trial.run(Builder(plain, repeat(plain)), plan)
        pending = any(app.AsyncResult(one).state == "PENDING" for one in there)

        ids, called = trial.run(Builder(job, repeat(job)), plan)

        assert ids <= set(Job.objects.values_list("pk", flat=True))
        assert is_nothing_open()
        # Nodes that Celery leaves PENDING call no callbacks there.
        assert called >= by_celery if pending else called == by_celery

    check()


def test_canvases_of_jobs_and_plain_tasks_leave_nothing_open(
    job: Named, plain: Named, trial: Trial
) -> None:
    @few
    @given(CANVASES, st.lists(st.booleans(), min_size=1, max_size=8))
    def check(plan: Plan, jobs: list[bool]) -> None:
        tasks = cycle([job if one else plain for one in jobs])

        trial.run(Builder(job, tasks), plan)

        assert is_nothing_open()

    check()

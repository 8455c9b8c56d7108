"""Functions that can be consumers, and their calls."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from celery import Celery, chain, group, shared_task

from offload.core.exceptions import (
    ConfigurationError,
    InvalidConsumer,
    InvalidNumber,
    OffloadError,
    WrongCall,
)
from offload.messaging import installation
from offload.worker.tasks.calling import call
from offload.worker.tasks.consumers import consumer
from offload.worker.tasks.task import ConsumerTask, OffloadTask
from tests.parameters import without_addresses


@pytest.fixture
def app() -> Celery:
    """Return an app of its own."""
    return Celery("calling", broker="memory://", set_as_current=False)


async def awaited(job: Any) -> None:
    """Await something."""


def produced(job: Any) -> Any:
    """Produce something."""
    yield


def no_job(*, width: int) -> None:
    """Take no job."""


def like_a_method(self: Any, job: Any) -> None:
    """Take what a method takes."""


class ByClass:
    """Is called as a function is."""

    def __init__(self, job: Any) -> None:
        """Take a job."""


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (awaited, "asyncio.run"),
        (produced, r"a generator.* returns its result\.$"),
        (no_job, "takes no job"),
        (functools.partial(no_job), "no function with a name"),
        (3, "no function with a name"),
        (ByClass, "no function with a name"),
        (like_a_method, r"is self.*def consume\(job, \*, width\)"),
    ],
)
def test_what_cannot_be_a_consumer_is_refused_where_it_is_defined(function: Any, told: str) -> None:
    with pytest.raises(InvalidConsumer, match=told):
        consumer("calling/refused")(function)


def test_a_consumer_without_its_topic_is_told_how_it_is_written() -> None:
    with pytest.raises(InvalidConsumer, match=r"takes cannot .*@consumer\('dam/rendition/web'\)"):
        consumer(takes)  # type: ignore[arg-type]


BAD_LIMITS: list[dict[str, Any]] = [
    {"time_limit": -1},
    {"time_limit": "60"},
    {"time_limit": True},
    {"soft_time_limit": float("nan")},
    {"soft_time_limit": 366 * 24 * 3600},
    {"time_limit": 10, "soft_time_limit": 11},
]


@pytest.mark.parametrize("limits", BAD_LIMITS, ids=without_addresses)
def test_time_limits_that_are_none_are_refused_where_they_are_declared(
    app: Celery, limits: dict[str, Any]
) -> None:
    with pytest.raises(InvalidNumber, match="time_limit`"):
        consumer("calling/limited", **limits)
    make: Any = app.task(base=OffloadTask, topic="a/b", shared=False, lazy=False, **limits)
    with pytest.raises(InvalidNumber, match="time_limit`"):
        make(takes)


def test_limits_of_the_whole_app_are_its_own_matter(app: Celery) -> None:
    app.conf.update(task_time_limit=10, task_soft_time_limit=20)

    assert task(app, takes).soft_time_limit == 20


@pytest.mark.parametrize("option", ["retries", "retry_delay", "queue"])
def test_what_a_submit_takes_is_not_taken_for_an_option_of_the_task(option: str) -> None:
    options: dict[str, Any] = {option: 3}
    with pytest.raises(InvalidConsumer, match=rf"takes cannot .*submit\({option}=…\)"):
        consumer("calling/retried", **options)(takes)


def test_a_consumer_that_is_given_its_task_takes_it_first() -> None:
    made = consumer("calling/bound", bind=True)

    assert made(like_a_method).name.endswith("like_a_method")
    with pytest.raises(InvalidConsumer, match=r"def consume\(self, job, \*, width\)"):
        made(takes)


def test_a_celery_task_without_a_topic_is_no_plain_task_by_mistake(app: Celery) -> None:
    make: Any = app.task(base=OffloadTask, shared=False, lazy=False)

    with pytest.raises(InvalidConsumer, match="topic='billing/invoice'"):
        make(takes)


@pytest.mark.parametrize("function", [awaited, produced])
def test_a_celery_task_that_is_a_job_is_refused_with_its_app(app: Celery, function: Any) -> None:
    make: Any = app.task(base=OffloadTask, topic="calling/refused", shared=False, lazy=False)

    with pytest.raises(InvalidConsumer, match="cannot be run as a job"):
        make(function)


@pytest.mark.parametrize("wrong", [{"topic": "a topic"}, {"ranking": "x"}, {"time_limit": -1}])
def test_a_shared_task_that_is_declared_wrongly_is_named(
    app: Celery, wrong: dict[str, Any]
) -> None:
    # Its declaration is no frame of the traceback: it is bound when its app is made ready.
    make: Any = app.task(
        base=OffloadTask, name="dam.wrong", shared=False, lazy=False, **{"topic": "a/b", **wrong}
    )

    with pytest.raises(OffloadError) as caught:
        make(takes)

    assert caught.value.__notes__ == ["Correct it where the task dam.wrong is declared."]


def test_a_call_without_install_is_refused_and_not_sent_as_a_plain_task(app: Celery) -> None:
    made = task(app, takes)

    for sent in (made, chain(made.si(), made.si()), group(made.si(), made.si())):
        refused = pytest.raises(ConfigurationError, match=r"offload\.install\(app\)")
        with installation.instead(None), refused:
            sent.delay()


def test_plain_tasks_are_celerys(app: Celery) -> None:
    assert app.task(name="plain.awaited", shared=False)(awaited).name == "plain.awaited"
    assert shared_task(name="plain.produced")(produced).name == "plain.produced"


def takes(job: Any, *, width: int) -> int:
    """Return the arguments."""
    return width


def broken(job: Any) -> None:
    """Fail inside, by the error that a wrong call is too."""
    len(7)  # type: ignore[arg-type]


def lazy(job: Any) -> Any:
    """Return a coroutine that nobody awaits."""
    return awaited(job)


def task(app: Celery, function: Any, **options: Any) -> Any:
    """Return a function as a consumer's task."""
    make: Any = app.task
    return make(
        function, base=ConsumerTask, pattern="calling/x", topic="calling/x", shared=False, **options
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [({}, "'width'"), ({"widht": 1}, "widht|'width'"), ({"width": 1, "job": 2}, "'job'")],
    ids=str,
)
def test_a_call_that_cannot_be_made_is_final(app: Celery, given: Any, told: str) -> None:
    with pytest.raises(WrongCall, match=rf"(?s)({told}).*give a new parameter a default"):
        call(task(app, takes), ("the job",), given)


def test_an_error_inside_is_the_functions_own(app: Celery) -> None:
    with pytest.raises(TypeError, match="len") as raised:
        call(task(app, broken), ("the job",), {})

    assert not isinstance(raised.value, WrongCall)


def test_a_coroutine_that_is_returned_is_final(app: Celery) -> None:
    with pytest.raises(WrongCall, match="nobody awaits"):
        call(task(app, lazy), ("the job",), {})


def test_what_a_decorator_adds_is_its_own_matter(app: Celery) -> None:
    @functools.wraps(takes)
    def decorated(job: Any, **given: Any) -> int:
        return takes(job, width=1, **given)

    made = task(app, decorated)

    assert call(made, ("the job",), {}) == 1
    assert made.announcement()["takes"] == "job! **"


def test_what_celerys_autoretry_hides_is_looked_at_itself(app: Celery) -> None:
    made = task(app, takes, autoretry_for=(Exception,))

    assert made.announcement()["takes"] == "width job!"
    with pytest.raises(WrongCall):
        call(made, ("the job",), {})

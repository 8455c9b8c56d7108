"""Two Celery apps in one process, of which one sends jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery, current_app

import offload
from offload.canvas import hooks
from offload.core.exceptions import ConfigurationError
from offload.messaging import installation
from offload.models import Job
from offload.worker.install import refuse_second
from offload.worker.tasks.task import OffloadTask
from tests.parameters import without_addresses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.driving.tasks import Named


@pytest.fixture
def other(app: Celery) -> Iterator[Celery]:
    """Return another app, which is the current one, as whoever makes a second one has it."""
    before = current_app._get_current_object()  # type: ignore[attr-defined]
    made = Celery("other", broker="memory://", set_as_current=True)
    yield made
    before.set_current()
    made.close()


def test_a_call_is_a_job_whichever_app_is_current(app: Celery, job: Named, other: Celery) -> None:
    def add(one: int, two: int) -> int:
        return one + two

    name = job.add.name
    options: dict[str, Any] = {"topic": job.add.topic, "shared": False}
    make: Any = other.task(base=OffloadTask, name=name, **options)
    theirs = make(add)
    assert theirs.app is other
    assert not hooks.is_hooked(other)

    result = theirs.delay(1, 2)
    by_signature = theirs.s(1, 2).apply_async()

    assert {one.task for one in Job.objects.filter(pk__in=[result.id, by_signature.id])} == {name}


@pytest.mark.parametrize("given", [None, "project.celery", object(), Celery], ids=without_addresses)
def test_what_is_no_app_is_refused_with_what_to_write(given: Any) -> None:
    before = installation.installed()

    with pytest.raises(offload.InvalidApp, match=r"offload\.install\(app\)"):
        offload.install(given)

    assert installation.installed() is before


def test_a_second_app_is_refused_with_both_modules(app: Celery, other: Celery) -> None:
    with pytest.raises(ConfigurationError) as refused:
        offload.install(other)

    assert "'other'" in str(refused.value)
    assert __name__ in str(refused.value)
    assert installation.installed() is app


def is_refused(app: Celery, module: str) -> bool:
    """Tell whether a module may not install an app."""
    try:
        refuse_second(app, module)
    except ConfigurationError:
        return True
    return False


def test_the_module_that_is_loaded_again_may_install_its_new_app(
    app: Celery, other: Celery
) -> None:
    assert not is_refused(other, installation.installed_by())
    assert not is_refused(app, "another.module")
    assert is_refused(other, "another.module")

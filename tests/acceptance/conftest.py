"""Places with real databases and brokers, and fleets of real workers in them."""

from __future__ import annotations

import inspect
import os
import re
import shutil
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest
from django.core.management import call_command

from offload.conf import settings
from offload.models import Job, Join, Payload, Queue, Rule, Run, Switch
from tests.acceptance.fleet import Fleet
from tests.acceptance.place import Place, made, visited
from tests.acceptance.servers import NEEDS, absent, is_there
from tests.acceptance.site.journal import journal
from tests.acceptance.watching import pass_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_django.plugin import DjangoDbBlocker

EMBEDDED = "sqlite+valkey"
#: The workers that a test needs before it starts others.
FIRST_NEED = re.compile(r"fleet\.need\(([^)]+)\)")
#: Tables that tests fill beside the rows of instances, in the order in which they can be emptied.
FILLED: tuple[Any, ...] = (Job, Rule, Switch, Queue, Join, Run, Payload)


def pytest_configure(config: pytest.Config) -> None:
    """Name our markers."""
    config.addinivalue_line(
        "markers", "everywhere: runs on one database and broker each, the long tests on all"
    )
    config.addinivalue_line(
        "markers", "on(*environments): runs on these databases and brokers, on each of them"
    )
    config.addinivalue_line("markers", "site(**variables): tells the site's processes these")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test in the embedded environment, or in those that it is marked with."""
    if "place" in metafunc.fixturenames:
        metafunc.parametrize("place", _environments(metafunc), indirect=True, scope="session")


def _environments(metafunc: pytest.Metafunc) -> list[Any]:
    if metafunc.definition.get_closest_marker("everywhere"):
        now = in_turn(metafunc.definition.nodeid)
        return [one if one == now else pytest.param(one, marks=pytest.mark.long) for one in NEEDS]
    chosen = metafunc.definition.get_closest_marker("on")
    return list(chosen.args) if chosen else [EMBEDDED]


def in_turn(name: str) -> str:
    """Return where a test of this name runs each time; each environment has its share of them."""
    there = [one for one in NEEDS if is_there(one)]
    return there[crc32(name.encode()) % len(there)]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring together the tests that need the same workers, which live on from one to the next."""
    mine = {item: None for item in items if {"fleet", "place"} <= {*_fixtures(item)}}
    ordered = iter(sorted(mine, key=_needs))
    items[:] = [next(ordered) if item in mine else item for item in items]
    # Those with a browser too.
    items.sort(key=lambda item: "chromium" in _fixtures(item))


def _fixtures(item: pytest.Item) -> Sequence[str]:
    return getattr(item, "fixturenames", ())


def _needs(item: Any) -> tuple[str, bool, str]:
    """Return where a test runs, and which workers it needs first."""
    needed = FIRST_NEED.search(inspect.getsource(item.function))
    return item.callspec.params["place"], needed is None, needed[1] if needed else ""


@pytest.fixture(scope="session")
def place(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Place]:
    """Return an environment; skip where its servers are absent, fail where that is CI."""
    missing = absent(request.param)
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("acc")
    with django_db_blocker.unblock():
        making = made(request.param, folder)
        found = making.__enter__()
    try:
        yield found
    finally:
        making.__exit__(None, None, None)


@pytest.fixture(scope="session")
def workers(place: Place) -> Iterator[Fleet]:
    """Return the fleet whose usual workers live on from test to test."""
    fleet = Fleet(place)
    yield fleet
    fleet.end()


@pytest.fixture
def site(
    request: pytest.FixtureRequest, place: Place, django_db_blocker: DjangoDbBlocker
) -> Iterator[Any]:
    """Make this process a client of the site and return its Celery app."""
    marker = request.node.get_closest_marker("site")
    with django_db_blocker.unblock(), visited(place, **(marker.kwargs if marker else {})) as app:
        yield app


@pytest.fixture
def fleet(request: pytest.FixtureRequest, site: Any, workers: Fleet) -> Iterator[Fleet]:
    """Return the fleet; what a test leaves behind is removed, all of it where the test failed."""
    workers.begin()
    yield workers
    failed = request.node.stash.get(FAILED, False)
    for name, worker in list(workers.workers.items()):
        if failed or not worker.is_usual or not worker.is_alive:
            workers.drop(name)
    if failed or Job.objects.unfinished().exists():
        workers.drop_all()
    _clear(workers)


def _clear(workers: Fleet) -> None:
    """Empty the tables that a test fills, save the rows of workers that live on."""
    journal().unlink(missing_ok=True)
    shutil.rmtree(workers.place.folder / "media", ignore_errors=True)
    if not workers.workers:
        call_command("flush", interactive=False, verbosity=0)
        return
    had_queues = Queue.objects.exists()
    for model in FILLED:
        model.objects.all().delete()
    if had_queues:
        # The workers that live on may decide by them for so long.
        pass_time(settings().topology_age)


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show the end of the workers' logs with a failed test."""
    outcome: Any = yield
    report = outcome.get_result()
    fleet = getattr(item, "funcargs", {}).get("fleet")
    if report.when != "call" or not report.failed or fleet is None:
        return
    item.stash[FAILED] = True
    for name, worker in fleet.workers.items():
        report.sections.append((f"log of {name}", worker.last_words()))

"""The pages under docs/howto, run: their code in order, and what it prints compared."""

from __future__ import annotations

import contextlib
import io
import re
import sys
import unittest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.dispatch import Signal
from django.test import TestCase

import tests.shop.models
from offload import signals, topology
from offload.operations import waiting
from offload.testing import run_jobs
from tests.databases import SQLITE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeGuard

    from celery import Celery

PAGES = sorted((Path(__file__).parents[3] / "docs/howto").glob("*.md"))
#: The page that needs two sites; an acceptance test makes them.
TWO_SITES = "two-sites"
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)


@pytest.fixture
def working(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run what waits whenever somebody waits for it: the pages speak of a site with workers."""
    until = waiting.until

    def run_and_wait(look: Callable[[], Any], timeout: float | None) -> Any:
        run_jobs()
        return until(look, timeout)

    for home in ("offload.operations.handles", "offload.workflows.handles"):
        monkeypatch.setattr(f"{home}.until", run_and_wait)


@pytest.fixture
def app(database_alias: str) -> Iterator[Celery]:
    """Return the site's app; tasks that a page defines are forgotten again."""
    from project.celery import app

    app.loader.import_default_modules()
    before = set(app.tasks)
    yield app
    for name in set(app.tasks) - before:
        app.tasks.pop(name)


@pytest.fixture
def receivers() -> Iterator[None]:
    """Disconnect what a page connects to a signal: later tests in this process would hear it."""
    found = [getattr(signals, name) for name in signals.__all__]
    sent = [one for one in found if isinstance(one, Signal)]
    before = [list(one.receivers) for one in sent]
    yield
    for one, connected in zip(sent, before, strict=True):
        one.receivers = connected
        one.sender_receivers_cache.clear()


@pytest.fixture
def declarations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the listeners and the functions that a page declares for agents."""
    monkeypatch.setattr(topology.declarations, "declared", [])
    monkeypatch.setattr(topology.providers, "declared", {})


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let pages import the models of an app that the site has."""
    monkeypatch.setitem(sys.modules, "shop", tests.shop)
    monkeypatch.setitem(sys.modules, "shop.models", tests.shop.models)
    yield
    tests.shop.models.Asset.objects.all().delete()


@pytest.mark.usefixtures("working", "app", "receivers", "declarations", "shop")
@pytest.mark.parametrize("database_alias", [SQLITE], indirect=True)
@pytest.mark.parametrize(
    "page", [one for one in PAGES if one.stem != TWO_SITES], ids=lambda page: page.stem
)
def test_what_a_page_shows_is_what_happens(page: Path) -> None:
    names: dict[str, Any] = {"__name__": f"howto_{page.stem.replace('-', '_')}"}
    for code, expected in BLOCK.findall(page.read_text()):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(page), "exec"), names)  # noqa: S102 - our own page
        assert printed.getvalue() == expected, code
        run_jobs()

    for case in [value for value in names.values() if _is_case(value)]:
        case.databases = {SQLITE}
        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
        assert (result.testsRun, result.failures + result.errors) == (1, []), result


def _is_case(value: object) -> TypeGuard[type[TestCase]]:
    return isinstance(value, type) and issubclass(value, TestCase) and value is not TestCase


def test_every_page_is_listed_where_people_begin() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text()

    assert len(PAGES) >= 8
    assert [page.name for page in PAGES if f"docs/howto/{page.name}" not in readme] == []

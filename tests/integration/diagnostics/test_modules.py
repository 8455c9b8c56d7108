"""The site's modules of consumers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from offload.diagnostics import Level, modules
from offload.worker.tasks.task import OffloadTask
from tests.integration.diagnostics.findings import on_sqlite, the

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from celery import Celery

    Installed = Callable[..., Celery]

BROKEN = {
    "import no_such_library\n": ("No module named 'no_such_library'", "line 1"),
    "x = 1\ndef broken(:\n": ("SyntaxError", "line 2"),
    "x = 1\n\nx / 0\n": ("ZeroDivisionError: division by zero", "line 3"),
}


@on_sqlite
@pytest.mark.parametrize("code", BROKEN)
def test_a_module_that_no_worker_could_load_is_a_failure_with_its_place(
    installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    (tmp_path / "broken_consumers.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_consumers", raising=False)
    installed(include=["broken_consumers"])
    fact, line = BROKEN[code]

    found = the(Level.FAIL, modules.examine())

    assert fact in found.fact
    assert found.next_step == f"Mend {tmp_path / 'broken_consumers.py'}, {line}."


@on_sqlite
def test_modules_that_load_are_not_worth_a_word(installed: Installed) -> None:
    installed()
    assert list(modules.examine()) == []


@on_sqlite
def test_a_task_that_is_declared_wrongly_is_named(installed: Installed) -> None:
    def wrong() -> None:
        """Do nothing."""

    installed().task(base=OffloadTask, name="dam.wrong", topic="a topic", shared=False)(wrong)

    found = the(Level.FAIL, modules.examine())

    assert "'a topic' is not a topic" in found.fact
    assert found.next_step == "Correct it where the task dam.wrong is declared."

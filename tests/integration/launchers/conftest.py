"""Fixtures of this room's tests: an app, a workflow that takes a file, and a place for files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.utils.module_loading import autodiscover_modules

from offload.launchers.launcher_rules import rulebook
from offload.workflows import definitions, step, workflow
from tests.integration.fixtures import _app, app, media

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["_app", "app", "media"]


def take(*, path: str = "") -> Any:
    """Take the file."""
    return step("taken/file", path=path)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, app: object, media: Path) -> Iterator[None]:
    """Define one workflow, and forget launchers of other tests."""
    autodiscover_modules(*definitions.WORKFLOW_MODULES)
    monkeypatch.setattr(definitions, "defined", {})
    workflow("taken/whole", inputs=["page"])(take)
    rulebook.forget()
    yield
    rulebook.forget()

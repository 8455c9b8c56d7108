"""The storage of payloads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from offload.diagnostics import Level, storage
from tests.integration.diagnostics.findings import on_sqlite

if TYPE_CHECKING:
    import pytest
    from pytest_django import Settings


@on_sqlite
def test_the_storage_is_left_as_it_was(tmp_path: Path, settings: Settings) -> None:
    settings.STORAGES = {**settings.STORAGES, "offload": stored_in(tmp_path)}
    (found,) = storage.examine()
    assert found.level is Level.OK
    assert list(tmp_path.iterdir()) == []


@on_sqlite
def test_a_storage_that_cannot_be_written_is_a_failure(settings: Settings) -> None:
    settings.STORAGES = {**settings.STORAGES, "offload": stored_in(Path("/proc/nowhere"))}
    (found,) = storage.examine()
    assert found.level is Level.FAIL
    assert found.next_step.startswith('Correct STORAGES["offload"]')


@on_sqlite
def test_a_storage_that_changes_files_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_round_trip", lambda alias: False)
    (found,) = storage.examine()
    assert (found.level, "other bytes" in found.fact) == (Level.FAIL, True)


def stored_in(folder: Path) -> dict[str, Any]:
    return {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(folder)},
    }

"""The storage of payloads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from offload.diagnostics import Level, storage
from offload.models import DyingFile
from tests.integration.diagnostics.findings import on_sqlite

if TYPE_CHECKING:
    from django.core.files.base import File
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
def test_a_storage_that_changes_files_is_a_failure(tmp_path: Path, settings: Settings) -> None:
    settings.STORAGES = {**settings.STORAGES, "offload": stored_in(tmp_path, Changing)}
    (found,) = storage.examine()
    assert (found.level, "other bytes" in found.fact) == (Level.FAIL, True)
    assert list(tmp_path.iterdir()) == []


@on_sqlite
def test_runs_have_a_scratch_folder_or_the_setting_is_named(
    tmp_path: Path, settings: Settings
) -> None:
    settings.OFFLOAD = {**settings.OFFLOAD, "SCRATCH": str(tmp_path)}
    (found,) = storage.examine_scratch()
    assert (found.level, str(tmp_path) in found.fact) == (Level.OK, True)

    settings.OFFLOAD = {**settings.OFFLOAD, "MIN_FREE": 1 << 60}
    (found,) = storage.examine_scratch()
    assert (found.level, "must stay so" in found.fact) == (Level.WARN, True)

    settings.OFFLOAD = {**settings.OFFLOAD, "SCRATCH": str(tmp_path / "nowhere")}
    (found,) = storage.examine_scratch()
    assert (found.level, "No such file" in found.fact) == (Level.FAIL, True)
    assert 'OFFLOAD["SCRATCH"]' in found.next_step


@on_sqlite
def test_deletions_that_fail_are_named_with_an_error() -> None:
    DyingFile.objects.create(storage="offload", location="a")
    assert list(storage.examine_deletions()) == []

    DyingFile.objects.update(failures=2, error="Permission denied")

    (found,) = storage.examine_deletions()
    assert found.level is Level.WARN
    assert found.fact == "The storage 'offload' failed to delete 1 file: Permission denied."
    assert "payload prune" in found.next_step


class Changing(FileSystemStorage):
    """A storage that compresses files, say, and gives back what it made of them."""

    def open(self, name: str, mode: str = "rb") -> File[Any]:
        """Open what was made of a file."""
        with super().open(name, mode) as file:
            return ContentFile(file.read()[:-1])


def stored_in(folder: Path, kind: type = FileSystemStorage) -> dict[str, Any]:
    return {
        "BACKEND": f"{kind.__module__}.{kind.__qualname__}",
        "OPTIONS": {"location": str(folder)},
    }

"""Files of jobs in the tests of a site, kept apart from the site's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.core.files.storage import FileSystemStorage, InMemoryStorage, storages
from django.test import override_settings

import offload
from offload.conf import settings
from offload.models import PayloadFile
from offload.models.stores import storage
from offload.testing import run_jobs
from offload.worker.tasks.task import ConsumerTask
from tests.integration.driving.tasks import define

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

ENDING = """
import django
django.setup()
from django.core import mail
from django.core.files.base import ContentFile
mail.outbox = []
import offload.testing
from offload.models.stores import storage
from offload.conf import settings
there = storage(settings().storage)
print(there.path(there.save("note.txt", ContentFile(b"x"))))
"""


def shout(job: Any) -> None:
    """Return a note in capitals."""
    with job.inputs["note.txt"].open() as file:
        job.outputs.add("loud.txt", file.read().upper())


@pytest.fixture(autouse=True)
def _consumer(app: Celery) -> Iterator[None]:
    """Give the app a consumer that reads and makes files."""
    define(app, shout, name="tests.shout", base=ConsumerTask, pattern="shout", topic="shout")
    yield
    app.tasks.pop("tests.shout")


def sites_own() -> Path:
    """Return the folder that the site has for files of jobs."""
    found = storages[settings().storage]
    assert isinstance(found, FileSystemStorage)
    return Path(found.location)


def files_in(folder: Path) -> list[Path]:
    """Return the files in a folder."""
    return [one for one in folder.rglob("*") if one.is_file()] if folder.exists() else []


def test_files_of_tests_are_kept_apart_from_those_of_the_site() -> None:
    before = files_in(sites_own())

    job = offload.submit("shout", files={"note.txt": b"quiet"})
    run_jobs()

    with job.outputs.get().open() as file:
        assert file.read() == b"QUIET"
    assert PayloadFile.objects.count() == 2
    assert files_in(sites_own()) == before


def test_a_storage_that_a_test_sets_up_is_left_to_it(tmp_path: Path) -> None:
    own = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path)},
    }
    memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    alias = settings().storage

    with override_settings(STORAGES={**django_settings.STORAGES, alias: own}):
        offload.submit("shout", files={"note.txt": b"quiet"})
        assert len(files_in(tmp_path)) == 1
    with override_settings(STORAGES={**django_settings.STORAGES, alias: memory}):
        assert isinstance(storage(alias), InMemoryStorage)


def test_a_process_that_runs_no_tests_uses_the_storage_of_the_site(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert storage(settings().storage) is not storages[settings().storage]

    monkeypatch.delattr(mail, "outbox")

    assert storage(settings().storage) is storages[settings().storage]


def test_the_folder_goes_with_the_process(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING], cwd=root, capture_output=True, text=True, check=True
    )

    [path] = map(Path, done.stdout.split())
    assert path.parent.name.startswith("offload-tests-")
    assert not path.parent.exists()

"""Jobs whose outputs are delivered, and the site they are delivered to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import override_settings

from offload.core.states import JobState
from offload.files import deliveries, outputs
from offload.fleet.snapshots import now
from offload.jobs import aftermath, endings
from offload.models import Delivery
from offload.signals import FileDelivered, file_delivered
from tests.integration.world import Running, join, running
from tests.shop.models import Asset

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from django.conf import LazySettings


@pytest.fixture
def instance(media: Path) -> None:
    join()


@pytest.fixture(autouse=True)
def public(tmp_path: Path, media: Path, settings: LazySettings) -> Iterator[Path]:
    """Return the folder of the site's own storage."""
    folder = tmp_path / "public"
    storage = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(folder)},
    }
    with override_settings(STORAGES={**settings.STORAGES, "default": storage}):
        yield folder


@pytest.fixture
def told() -> Iterator[list[FileDelivered]]:
    """Collect the events of deliveries."""
    found: list[FileDelivered] = []

    def receive(*, event: FileDelivered, **_: Any) -> None:
        found.append(event)

    file_delivered.connect(receive)
    yield found
    file_delivered.disconnect(receive)


@pytest.fixture
def asset(database_alias: str) -> Iterator[Asset]:
    """Return a saved object of a site's own model."""
    made = Asset.objects.create(title="chair")
    yield made
    Asset.objects.filter(pk=made.pk).delete()


def ran(
    deliver_to: dict[str, Any], files: dict[str, bytes], *, ends: bool = True, **facts: Any
) -> Running:
    """Return a job that has stored outputs, and has succeeded unless ``ends`` is false."""
    run = running(options=deliveries.frozen(deliver_to), **facts)
    for name, content in files.items():
        outputs.add(run.key, name, content)
    if ends:
        assert endings.succeed(run.ending, None) == JobState.SUCCEEDED
        aftermath.sweep()
    return run


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files in a folder, by their paths in it."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def again() -> None:
    """Let what waits for another try be due."""
    Delivery.objects.open().update(due_at=now() - timedelta(seconds=1))

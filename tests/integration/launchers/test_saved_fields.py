"""Files saved in declared fields are launched in the saving transaction; others cost nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models.signals import post_save
from django.test import override_settings

from offload.launchers import saved_fields
from offload.launchers.launcher_rules import rulebook
from offload.models import Launcher, Run
from tests.integration.world import statements
from tests.shop.models import Asset

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def listening(database_alias: str, settings: Any, tmp_path: Any) -> Iterator[None]:
    """Listen to saves of one field, in a folder of the test."""
    settings.MEDIA_ROOT = str(tmp_path)
    receivers = list(post_save.receivers)
    fields = {"LAUNCH_FIELDS": ["shop.Asset.thumbnail"]}
    with override_settings(OFFLOAD={**settings.OFFLOAD, **fields}):
        saved_fields.connect()
        yield
    post_save.receivers = receivers
    post_save.sender_receivers_cache.clear()


def saved(name: str = "a.txt", content: bytes = b"text", using: str = "default") -> Asset:
    """Save a file in the field."""
    asset = Asset()
    asset.thumbnail.save(name, ContentFile(content), save=False)
    asset.save(using=using)
    return asset


def launcher(**facts: Any) -> None:
    """Store a launcher of saved thumbnails."""
    Launcher.objects.create(
        name="t", **{"pattern": "thumbnails/**", "workflow": "taken/whole", **facts}
    )


def test_a_saved_file_is_launched_once(database_alias: str) -> None:
    launcher(event="saved")

    asset = saved(using=database_alias)
    asset.title = "new"
    asset.save(using=database_alias)

    run = Run.objects.get()
    assert run.user_data["event"] == "saved"
    assert run.user_data["path"] == asset.thumbnail.name


def test_a_save_that_is_rolled_back_starts_nothing(database_alias: str) -> None:
    launcher()

    with transaction.atomic(using=database_alias):
        saved(using=database_alias)
        assert Run.objects.count() == 1
        transaction.set_rollback(True, using=database_alias)

    assert not Run.objects.exists()


def test_what_goes_wrong_does_not_fail_the_save(
    database_alias: str, caplog: pytest.LogCaptureFixture
) -> None:
    launcher(workflow="no/such")
    asset = saved(using=database_alias)
    asset.thumbnail.storage.delete(str(asset.thumbnail.name))
    asset.save(using=database_alias)

    assert Asset.objects.using(database_alias).filter(pk=asset.pk).exists()
    assert "is not launched" in caplog.text
    assert not Run.objects.exists()


def test_without_launchers_a_save_costs_no_statement(database_alias: str) -> None:
    asset = saved(using=database_alias)
    rulebook.lately()

    with statements() as found:
        asset.save(using=database_alias)

    assert [one for one in found if "launch" in str(one).lower()] == []

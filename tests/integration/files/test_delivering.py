"""Deliveries of outputs are made whoever dies, and what cannot be made is told."""

from __future__ import annotations

import errno
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from PIL import Image

import offload
from offload.core.files.deliveries import FAILURES_MAX
from offload.diagnostics import storage as examined
from offload.files import delivering, retention
from offload.fleet.snapshots import snapshot
from offload.management.job_json import whole_job
from offload.models import Delivery, PayloadFile, Queue
from tests.integration.files.delivered import again, asset, contents, instance, public, ran, told
from tests.integration.world import age

if TYPE_CHECKING:
    from pathlib import Path

    from offload.signals import FileDelivered
    from tests.shop.models import Asset


__all__ = ["asset", "instance", "public", "told"]


@pytest.fixture(autouse=True)
def _site(instance: None, public: Path) -> None:
    """Have an instance, and a storage of the site."""


@pytest.mark.parametrize("field", ["thumbnail", "storage"])
def test_a_process_that_dies_while_it_writes_leaves_the_rest_to_the_next(
    field: str, public: Path, asset: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_field = field == "thumbnail"
    to: Any = (
        offload.ToField(asset, field) if is_field else offload.ToStorage("default", "{job.id}")
    )
    ran({"a.png": to}, {"a.png": b"whole"})
    save = FileSystemStorage.save

    def die(self: Any, name: str, *_: Any, **__: Any) -> None:
        save(self, name, ContentFile(b"wh"))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "save", die)
        with pytest.raises(KeyboardInterrupt):
            delivering.deliver()
    assert list(contents(public).values()) == [b"wh"]
    # The one that died had it to itself for a while.
    assert delivering.deliver() == 0
    again()

    assert delivering.deliver() == 1

    [(name, content)] = contents(public).items()
    assert content == b"whole"
    asset.refresh_from_db()
    assert (asset.thumbnail.name == name) is is_field


def test_a_process_that_dies_before_it_marks_the_delivery_repeats_it_without_a_copy(
    public: Path, asset: Asset, monkeypatch: pytest.MonkeyPatch, told: list[FileDelivered]
) -> None:
    ran({"a.png": offload.ToField(asset, "thumbnail")}, {"a.png": b"whole"})

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(Delivery.objects.all()), "close", die)
        with pytest.raises(KeyboardInterrupt):
            delivering.deliver()
    before = contents(public)
    again()
    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "save", die)
        assert delivering.deliver() == 1

    assert contents(public) == before
    asset.refresh_from_db()
    assert [asset.thumbnail.name] == list(before) == [one.location for one in told]


def test_a_storage_that_fails_is_asked_again_and_shown(
    public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ran({"a": offload.ToStorage("default", "{job.id}")}, {"a": b"a"})
    assert list(examined.examine_deliveries()) == []

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "save", refuse)
        assert delivering.deliver() == 1
    assert delivering.deliver() == 0
    [found] = examined.examine_deliveries()
    assert "No space left" in found.fact
    [fact] = whole_job(run.row)["deliveries"]
    assert (fact["state"], fact["failures"], fact["name"]) == ("waiting", 1, "a")
    again()

    assert delivering.deliver() == 1

    assert contents(public) == {f"{run.id}/a": b"a"}
    assert list(examined.examine_deliveries()) == []


def test_a_delivery_that_fails_too_often_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ran({"a": offload.ToStorage("default", "{job.id}")}, {"a": b"a"})
    Delivery.objects.update(failures=FAILURES_MAX - 1)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(FileSystemStorage, "save", refuse)
    delivering.deliver()

    row = Delivery.objects.get()
    assert (row.state, row.failures) == ("failed", FAILURES_MAX)
    [found] = examined.examine_deliveries()
    assert "which is final" in found.fact


def test_an_object_that_is_deleted_meanwhile_ends_its_delivery_and_leaves_no_file(
    public: Path, asset: Asset
) -> None:
    ran({"a.png": offload.ToField(asset, "thumbnail")}, {"a.png": b"whole"})
    Delivery.objects.update(location="thumbnails/begun.png")
    (public / "thumbnails").mkdir(parents=True)
    (public / "thumbnails/begun.png").write_bytes(b"wh")
    key = asset.pk
    asset.delete()

    delivering.deliver()

    row = Delivery.objects.get()
    assert (row.state, row.error) == ("failed", f"shop.asset {key} is deleted")
    assert contents(public) == {}


def test_a_source_with_other_bytes_is_delivered_nowhere(public: Path, media: Path) -> None:
    ran({"a": offload.ToStorage("default", "{job.id}")}, {"a": b"a"})
    (media / PayloadFile.objects.get().location).write_bytes(b"b")

    delivering.deliver()

    assert Delivery.objects.get().error == "the storage has other bytes than the job stored"
    assert contents(public) == {}


def test_a_location_that_is_too_long_for_the_field_ends_the_delivery(
    public: Path, asset: Asset
) -> None:
    ran({"a": offload.ToField(asset, "short")}, {"a": b"a"})

    delivering.deliver()

    assert "takes 12" in Delivery.objects.get().error
    assert contents(public) == {}


def test_the_size_of_an_image_is_saved_with_it(asset: Asset) -> None:
    image = BytesIO()
    Image.new("RGB", (3, 2)).save(image, "PNG")
    ran({"a.png": offload.ToField(asset, "picture")}, {"a.png": image.getvalue()})

    delivering.deliver()

    asset.refresh_from_db()
    assert (asset.width, asset.height, asset.title) == (3, 2, "chair")


def test_an_output_that_was_not_made_is_told() -> None:
    run = ran({"b": offload.ToStorage("default", "{job.id}")}, {"a": b"a"})

    assert delivering.deliver() == 0

    [fact] = whole_job(run.row)["deliveries"]
    assert (fact["state"], fact["error"]) == ("failed", "the job has no such output")


def test_retention_waits_for_deliveries() -> None:
    Queue.objects.create(name="short", topics=["short/**"], retention_days=1)
    snapshot(fresh=True)
    run = ran({"a": offload.ToStorage("default", "{job.id}")}, {"a": b"a"}, queue="short")
    age([run.id], "finished_at", seconds=2 * 24 * 3600)
    assert retention.purge() == 0

    delivering.deliver()

    assert retention.purge() == 1
    assert not Delivery.objects.exists()

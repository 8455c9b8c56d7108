"""Deliveries of outputs by a real leader, after a real worker has ended the job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.files.storage import default_storage

import offload
from offload.core.states import JobState
from offload.models import Delivery
from tests.acceptance.watching import ended
from tests.polling import eventually
from tests.shop.models import Asset

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet


def test_outputs_come_to_a_field_and_a_storage_after_the_end(fleet: Fleet) -> None:
    fleet.need("a")
    asset = Asset.objects.create(title="chair")
    job = offload.submit(
        "acc/echo",
        files={"note.txt": b"quiet"},
        deliver_to={
            "loud-note.txt": offload.ToField(asset, "thumbnail"),
            "*": offload.ToStorage("default", "assets/{job.id}/"),
        },
    )

    assert ended(job).state == JobState.SUCCEEDED
    eventually(lambda: not Delivery.objects.open().exists(), within=60, what="the job's deliveries")

    assert [one.error for one in Delivery.objects.filter(job=job.id)] == ["", ""]
    asset.refresh_from_db()
    assert str(asset.thumbnail.name).startswith("thumbnails/")
    there = f"assets/{job.id}/loud-note.txt"
    with asset.thumbnail.open() as file, default_storage.open(there) as other:
        assert file.read() == other.read() == b"QUIET"
    asset.delete()

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from celery import chain, chord
from django.db import transaction

import offload
from offload.db import database
from offload.models import Dependency, Job, Join, Payload, PayloadFile
from tests.acceptance.site.journal import events
from tests.acceptance.site.tasks import add_job, plain, total

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acceptance.fleet import Fleet
    from tests.acceptance.place import Place


@contextmanager
def regretted() -> Iterator[None]:
    """Roll back whatever the block did."""
    with database.atomic():
        yield
        transaction.set_rollback(True, using=database.alias())


@pytest.mark.everywhere
def test_a_rollback_leaves_no_rows_no_files_and_no_messages(fleet: Fleet, place: Place) -> None:
    fleet.need("a", "b")

    with regretted():
        offload.submit("acc/echo", files={"words.txt": b"unsaid"})
        offload.submit("acc/quick", {"value": "unsaid"})

    for model in (Job, Payload, PayloadFile):
        assert not model.objects.exists()
    assert [one for one in (place.folder / "media").rglob("*") if one.is_file()] == []
    said = offload.submit("acc/quick", {"value": "said"})
    assert said.result(30) == "said"
    assert {one.job for one in events()} == {said.id}


@pytest.mark.everywhere
def test_a_rollback_around_a_canvas_leaves_nothing_of_it(fleet: Fleet) -> None:
    fleet.need("a", "b")

    with regretted():
        chain(add_job.s(1, 2), add_job.s(3)).apply_async()
        chord([add_job.s(1, 1), plain.s(2)])(total.s())

    for model in (Job, Join, Dependency):
        assert not model.objects.exists()
    assert offload.submit("acc/quick", {"value": "said"}).result(30) == "said"
    assert {one.what for one in events()} == {"ran"}

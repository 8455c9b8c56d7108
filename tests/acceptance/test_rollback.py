from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from celery import chain, chord

import offload
from offload.models import Dependency, Job, Join, Payload, PayloadFile, database
from tests.acceptance.site.journal import events
from tests.acceptance.site.tasks import add_job, plain, total

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet
    from tests.acceptance.place import Place


class Regret(Exception):
    """Rolls a transaction back."""


@pytest.mark.everywhere
def test_a_rollback_leaves_no_rows_no_files_and_no_messages(fleet: Fleet, place: Place) -> None:
    fleet.need("a", "b")

    with pytest.raises(Regret), database.atomic():
        offload.submit("acc/echo", files={"words.txt": b"unsaid"})
        offload.submit("acc/quick", {"value": "unsaid"})
        raise Regret

    for model in (Job, Payload, PayloadFile):
        assert not model.objects.exists()
    assert [one for one in (place.folder / "media").rglob("*") if one.is_file()] == []
    said = offload.submit("acc/quick", {"value": "said"})
    assert said.result(30) == "said"
    assert {one.job for one in events()} == {said.id}


@pytest.mark.everywhere
def test_a_rollback_around_a_canvas_leaves_nothing_of_it(fleet: Fleet) -> None:
    fleet.need("a", "b")

    with pytest.raises(Regret), database.atomic():
        chain(add_job.s(1, 2), add_job.s(3)).apply_async()
        chord([add_job.s(1, 1), plain.s(2)])(total.s())
        raise Regret

    for model in (Job, Join, Dependency):
        assert not model.objects.exists()
    assert offload.submit("acc/quick", {"value": "said"}).result(30) == "said"
    assert {one.what for one in events()} == {"ran"}

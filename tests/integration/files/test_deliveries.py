"""Deliveries of outputs: noted with the job's end, made after it, whoever dies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload.core.exceptions import InvalidDelivery
from offload.core.files.deliveries import DELIVER_OPTION, field_name
from offload.core.retries import RetryDecision
from offload.core.states import JobState
from offload.files import deliveries, delivering, outputs
from offload.jobs import aftermath, async_completion, endings
from offload.management.job_json import whole_job
from offload.models import Delivery, Job, PayloadFile
from tests.integration.files.delivered import asset, contents, instance, public, ran, told
from tests.integration.world import BROKE, TOPIC, running, statements
from tests.shop.models import Asset

if TYPE_CHECKING:
    from pathlib import Path

    from offload.signals import FileDelivered


__all__ = ["asset", "instance", "public", "told"]
ENOUGH = RetryDecision(state=JobState.GIVEN_UP, delay=0, failures=1, crashes=0, reason="enough")


class OutOfOrder(Exception):
    """The process dies here."""


@pytest.fixture(autouse=True)
def _site(instance: None, public: Path) -> None:
    """Have an instance, and a storage of the site."""


def test_outputs_go_to_a_field_and_to_a_storage_and_stay_with_the_job(
    public: Path, asset: Asset, told: list[FileDelivered]
) -> None:
    to = {
        "48.png": offload.ToField(asset, "thumbnail"),
        "web/*": offload.ToStorage("default", "assets/{job.id}/"),
    }
    run = ran(to, {"48.png": b"small", "web/a.txt": b"a", "web/b.txt": b"b", "c": b"c"})
    assert contents(public) == {}

    assert delivering.deliver() == 3

    asset.refresh_from_db()
    name = field_name(run.id, 0, "48.png")
    assert asset.thumbnail.name == f"thumbnails/{name}"
    assert contents(public) == {
        f"thumbnails/{name}": b"small",
        f"assets/{run.id}/web/a.txt": b"a",
        f"assets/{run.id}/web/b.txt": b"b",
    }
    assert [(one.name, one.state) for one in Delivery.objects.order_by("number")] == [
        ("48.png", "delivered"), ("web/a.txt", "delivered"), ("web/b.txt", "delivered"),
    ]  # fmt: skip
    assert [one.name for one in run.row.outputs] == ["48.png", "c", "web/a.txt", "web/b.txt"]
    assert {one.location for one in told} == set(contents(public))
    assert delivering.deliver() == 0


def test_submission_stores_plain_data_and_a_retry_delivers_too(asset: Asset) -> None:
    to: dict[str, Any] = {
        "a": offload.ToField(asset, "thumbnail"),
        "b*": offload.ToStorage("default", "{job.id}/"),
    }
    job = offload.submit(TOPIC, deliver_to=to)

    row = Job.objects.get(pk=job.id)

    assert row.options[DELIVER_OPTION] == [
        {"name": "a", "to": {"model": "shop.asset", "pk": str(asset.pk), "field": "thumbnail"}},
        {"name": "b*", "to": {"storage": "default", "folder": "{job.id}"}},
    ]
    # So it does not travel to another cluster, whose outputs do not come home.
    assert row.payload is not None
    offload.remove(job.id)
    retried = Job.objects.get(pk=offload.retry(job.id).id)
    assert retried.options[DELIVER_OPTION] == row.options[DELIVER_OPTION]


def test_a_place_that_does_not_exist_is_refused_at_submission(asset: Asset) -> None:
    unfit: list[Any] = [
        offload.ToField(asset, "title"),
        offload.ToField(asset, "absent"),
        offload.ToField(asset, None),  # type: ignore[arg-type]
        offload.ToField(Asset(), "thumbnail"),
        offload.ToField(Asset(pk=77), "thumbnail"),
        offload.ToField("asset", "thumbnail"),
        offload.ToStorage("absent", "{job.id}"),
        offload.ToStorage(None, "{job.id}"),  # type: ignore[arg-type]
        offload.ToStorage("default", "shared"),
        "thumbnail",
    ]
    for target in unfit:
        with pytest.raises(InvalidDelivery):
            offload.submit(TOPIC, deliver_to={"a": target})
    with pytest.raises(InvalidDelivery):
        offload.submit(TOPIC, deliver_to=[("a", unfit[0])])  # type: ignore[arg-type]

    assert not Job.objects.exists()
    assert not PayloadFile.objects.exists()


def test_a_job_without_deliveries_costs_no_statement() -> None:
    run = running()
    outputs.add(run.key, "a", b"a")

    with statements() as sent:
        endings.succeed(run.ending, None)
        whole_job(run.row)

    assert not [one for one in sent if "offload_delivery" in one]


def test_a_job_that_does_not_succeed_delivers_nothing() -> None:
    to = {"a": offload.ToStorage("default", "{job.id}")}
    run = ran(to, {"a": b"half"}, ends=False)

    endings.fail(run.ending, ENOUGH, BROKE)
    aftermath.sweep()

    assert not Delivery.objects.exists()


def test_a_job_that_is_ended_by_its_token_delivers_too(public: Path) -> None:
    to = {"a": offload.ToStorage("default", "{job.id}")}
    run = ran(to, {"a": b"a"}, ends=False)
    assert endings.hand_over(run.ending, 60) == JobState.ACTIVE

    async_completion.complete(async_completion.token_of(run.key), 7)
    aftermath.sweep()
    delivering.deliver()

    assert contents(public) == {f"{run.id}/a": b"a"}


def test_a_rollback_of_the_end_notes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    to = {"a": offload.ToStorage("default", "{job.id}")}
    run = ran(to, {"a": b"a"}, ends=False)

    def die(*_: Any, **__: Any) -> None:
        raise OutOfOrder

    with monkeypatch.context() as patch:
        patch.setattr(Delivery.objects, "bulk_create", die)
        with pytest.raises(OutOfOrder):
            endings.succeed(run.ending, None)
    assert run.row.state == JobState.ACTIVE
    assert endings.succeed(run.ending, None) == JobState.SUCCEEDED
    assert Delivery.objects.count() == 1


def test_noting_twice_keeps_what_is_noted(public: Path) -> None:
    to = {"a": offload.ToStorage("default", "{job.id}")}
    run = ran(to, {"a": b"a"})
    delivering.deliver()

    deliveries.note(run.id, run.claimed.options[DELIVER_OPTION])

    assert [one.state for one in Delivery.objects.all()] == ["delivered"]

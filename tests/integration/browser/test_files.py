"""Files of a job, sent to those who may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import override_settings
from django.urls import reverse

from offload.models import Job, Payload, PayloadFile
from tests.arranging import arrange
from tests.integration.world import waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from django.test import Client


@pytest.fixture(autouse=True)
def _media(tmp_path: Path) -> Iterator[None]:
    storage = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path)},
    }
    with override_settings(STORAGES={**settings.STORAGES, "offload": storage}):
        yield


@pytest.fixture
def job() -> Job:
    """Return a job that has succeeded at its second epoch."""
    payload = Payload.objects.create(id="files", storage="offload")
    found = Job.objects.get(pk=waiting(payload_id=payload.pk)[0])
    return found


def stored(job: Job, name: str, *, by: Job | None = None, epoch: int = 0) -> PayloadFile:
    """Return a file of a job's payload."""
    location = storages["offload"].save(f"files/{name}{epoch}", ContentFile(b"<script>"))
    return PayloadFile.objects.create(
        payload_id=str(job.payload_id),
        job=by,
        epoch=epoch,
        name=name,
        size=8,
        media_type="text/html",
        sha256="0" * 64,
        location=location,
    )


def address(job: Job, file: PayloadFile) -> str:
    """Return where a file is downloaded."""
    return reverse("admin:offload_job_file", args=[job.pk, file.pk])


def content(client: Client, at: str) -> bytes:
    """Return the content that is sent."""
    answer = client.get(at)
    assert answer.status_code == 200
    sent = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    answer.close()
    return sent


def test_an_input_is_sent_as_a_download(staff: Callable[..., Client], job: Job) -> None:
    client = staff("view_job", "see_payload")
    file = stored(job, "page ü.html")

    answer = client.get(address(job, file))

    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert content(client, address(job, file)) == b"<script>"
    answer.close()


def test_a_file_is_refused_without_the_permission(staff: Callable[..., Client], job: Job) -> None:
    file = stored(job, "original")

    assert staff("view_job").get(address(job, file)).status_code == 403
    assert staff("see_payload").get(address(job, file)).status_code == 403


def test_outputs_are_sent_once_the_finish_made_them_visible(boss: Client, job: Job) -> None:
    late, made = stored(job, "a", by=job, epoch=1), stored(job, "a", by=job, epoch=2)
    assert boss.get(address(job, made)).status_code == 404

    arrange(Job.objects.all(), state="SUCCEEDED", epoch=2, finished_at=job.created_at)

    assert content(boss, address(job, made)) == b"<script>"
    assert boss.get(address(job, late)).status_code == 404


def test_files_of_another_job_are_not_found(boss: Client, job: Job) -> None:
    other = Job.objects.get(pk=waiting(payload_id=None)[0])
    file = stored(job, "original")

    assert boss.get(address(other, file)).status_code == 404


def test_a_file_that_the_storage_has_lost_is_not_found(boss: Client, job: Job) -> None:
    file = stored(job, "original")
    storages["offload"].delete(file.location)

    assert boss.get(address(job, file)).status_code == 404


def test_a_storage_that_cannot_be_reached_is_no_error_of_the_page(
    boss: Client, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = stored(job, "original")

    def refuse(*_: object) -> None:
        raise RuntimeError("endpoint url timed out")

    monkeypatch.setattr(type(storages["offload"]), "open", refuse)

    assert boss.get(address(job, file)).status_code == 404


def test_the_page_lists_files_and_links_them_for_those_who_may(
    staff: Callable[..., Client], job: Job
) -> None:
    file = stored(job, "original")
    page = reverse("admin:offload_job_change", args=[job.pk])

    link = f'href="{address(job, file)}"'
    assert link in staff("view_job", "see_payload").get(page).content.decode()
    shown = staff("view_job").get(page).content.decode()
    assert "original" in shown
    assert link not in shown

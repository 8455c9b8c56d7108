"""The gallery takes uploads, shows what was made of them, and draws nothing that holds scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from offload.models import Launcher, PayloadFile, Run
from offload.testing import run_jobs
from offload.workflows import start
from project.dam.workflow import UPDATE_ASSET, WHOLE_ASSET

if TYPE_CHECKING:
    from pathlib import Path

    from django.test import Client

pytestmark = pytest.mark.django_db(transaction=True)
PAGE, NOW, UPLOAD = (reverse(name) for name in ("gallery", "gallery_now", "gallery_upload"))


@pytest.fixture(autouse=True)
def launcher() -> None:
    """Store a launcher of images."""
    Launcher.objects.create(
        name="assets", pattern="assets/**", include=["image/*"], workflow=UPDATE_ASSET
    )


def drop(client: Client, name: str, content: bytes) -> str:
    """Upload a file; return the page that follows."""
    files = [SimpleUploadedFile(name, content)]
    return str(client.post(UPLOAD, {"files": files}, follow=True).content.decode())


def test_what_was_made_at_another_site_is_shown_too(admin_client: Client, root: Path) -> None:
    photo = root / "project" / "photos" / "coffee.png"
    start(UPDATE_ASSET, files={"original": photo}, user_data={"path": "demo/1/whole/far.png"})
    Run.objects.update(workflow=WHOLE_ASSET)

    page = admin_client.get(PAGE).content.decode()

    assert "far.png" in page
    original = PayloadFile.objects.get()
    sent = admin_client.get(reverse("gallery_content", args=[original.pk]))
    assert sent.status_code == 200
    sent.close()


def test_an_upload_is_shown_with_its_renditions_as_they_arrive(
    admin_client: Client, root: Path
) -> None:
    photo = (root / "project" / "photos" / "coffee-sideways.jpg").read_bytes()

    page = drop(admin_client, "coffee & milk.jpg", photo)
    version = page.partition('data-version="')[2].partition('"')[0]
    same = admin_client.get(NOW, {"v": version})
    run_jobs()
    later = admin_client.get(NOW, {"v": version}).content.decode()

    assert "On its way: coffee &amp; milk.jpg" in page
    assert same.status_code == 204
    assert "thumbnail.140.png" not in page
    assert 'alt="coffee &amp; milk.jpg, rendition thumbnail.140.png"' in later
    assert Run.objects.get().actor == "admin"
    made = PayloadFile.objects.get(name="thumbnail.140.png")
    sent = admin_client.get(reverse("gallery_content", args=[made.pk]))
    assert sent.headers["Content-Type"] == "image/png"
    assert b"".join(sent).startswith(b"\x89PNG")
    sent.close()


def test_what_is_not_taken_is_said(admin_client: Client) -> None:
    assert "text/plain is not included" in drop(admin_client, "a.txt", b"text")
    assert "No file was chosen." in admin_client.post(UPLOAD, follow=True).content.decode()
    Launcher.objects.all().delete()
    assert "no launcher takes files" in drop(admin_client, "a.gif", b"GIF89a")
    assert not Run.objects.exists()


def test_what_browsers_might_run_is_only_downloaded(admin_client: Client) -> None:
    drop(admin_client, "a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>")
    run_jobs()

    page = admin_client.get(PAGE).content.decode()
    file = PayloadFile.objects.inputs().get()
    sent = admin_client.get(reverse("gallery_content", args=[file.pk]))

    assert "is an SVG" in page
    assert sent.headers["Content-Type"] == "application/octet-stream"
    assert sent.headers["Content-Disposition"].startswith("attachment")
    sent.close()
    assert admin_client.get(reverse("gallery_content", args=[0])).status_code == 404


def test_only_the_sites_people_see_it(client: Client) -> None:
    for address in (PAGE, NOW):
        assert client.get(address).status_code == 302
    assert client.post(UPLOAD).status_code == 302

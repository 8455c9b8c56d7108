"""What home's views ask of the site, and what they leave on its disk."""

from __future__ import annotations

import fcntl
import os
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.test import RequestFactory, override_settings

from offload.core.exceptions import InvalidTicket, TransferFailed
from offload.core.transfers.descriptions import Direction, Transfer
from offload.core.transfers.limits import TransferLimits
from offload.core.transfers.ranges import Part
from offload.core.transfers.tickets import Ticket
from offload.files.transports.http import views
from offload.files.transports.http.grants import GrantSigner
from offload.files.transports.http.home_transport import HomeHttpTransport
from offload.files.transports.http.views import transfer_urls
from tests.integration.files.transports.links import JOB, PEER, described, source
from tests.integration.files.transports.server import FOLDERS, KEYS, FolderHome, site_of, storages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from django.core.files import File
    from django.http.response import HttpResponseBase

CONTENT = b"pixels" * 100
FILE = described("a b.bin", CONTENT)
INPUT = Transfer(peer=PEER, job_id=JOB, direction=Direction.INPUT, file=FILE)
OUTPUT = replace(INPUT, direction=Direction.OUTPUT)
SIGNER = GrantSigner(key=KEYS.get)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a home site in this process; it has the input."""
    for name in FOLDERS:
        (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / "inputs" / FILE.sha256).write_bytes(CONTENT)
    with override_settings(STORAGES={**settings.STORAGES, **storages(tmp_path)}):
        yield tmp_path


def ask(site: Any, method: str, transfer: Transfer, **headers: Any) -> HttpResponseBase:
    """Return the response of a site's view."""
    [_, url] = transfer_urls(site)
    body = CONTENT if method == "PUT" and "CONTENT_LENGTH" not in headers else b""
    request = RequestFactory().generic(method, "/", data=body, **headers)
    response: HttpResponseBase = url.callback(
        request, peer=transfer.peer, grant=SIGNER.grant(transfer)
    )
    return response


def put(site: Any) -> HttpResponseBase:
    """Return the response to an upload of all bytes."""
    return ask(site, "PUT", OUTPUT, HTTP_CONTENT_RANGE=f"bytes 0-{FILE.size - 1}/{FILE.size}")


def uploads(folder: Path) -> list[str]:
    """Return the names in the folder of uploads."""
    return [path.name for path in (folder / "uploads").iterdir()]


def test_nginx_sends_the_file_where_it_is_set_up(folder: Path) -> None:
    site = site_of(folder, sendfile_header="X-Accel-Redirect", sendfile_prefix="/protected/")

    response = ask(site, "GET", INPUT)

    assert response["X-Accel-Redirect"] == f"/protected/{FILE.sha256}"
    assert response["ETag"] == f'"{FILE.sha256}"'
    assert not getattr(response, "streaming", True)


def test_apache_sends_the_file_where_it_is_set_up(folder: Path) -> None:
    response = ask(site_of(folder, sendfile_header="X-Sendfile"), "GET", INPUT)

    assert response["X-Sendfile"] == str(folder / "inputs" / FILE.sha256)


def test_a_disk_that_must_stay_free_takes_no_upload(folder: Path) -> None:
    site = replace(site_of(folder), limits=TransferLimits(free_bytes=1 << 60))

    assert put(site).status_code == 507
    assert uploads(folder) == []


def test_a_full_disk_keeps_nothing_of_an_upload(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "WHOLE_BYTES", 0)
    (folder / "uploads" / f"{OUTPUT.key}.part").symlink_to("/dev/full")

    assert put(site_of(folder)).status_code == 507
    assert uploads(folder) == []


class Flaky(FolderHome):
    """A home whose storage is away at first."""

    is_away = True

    def accept_one(self, transfer: Transfer, content: File[Any]) -> Any:
        """Fail once."""
        if self.is_away:
            self.is_away = False
            return TransferFailed(name=transfer.file.name, problem="its storage is away")
        return super().accept_one(transfer, content)


def test_what_could_not_be_stored_is_stored_later_without_being_sent_again(folder: Path) -> None:
    site = replace(site_of(folder), home=Flaky(folder))

    away = put(site)
    assert (away.status_code, away["Retry-After"]) == (503, "2")
    assert ask(site, "HEAD", OUTPUT)["Upload-Offset"] == str(FILE.size)
    done = ask(site, "PUT", OUTPUT, HTTP_CONTENT_RANGE=f"bytes */{FILE.size}", CONTENT_LENGTH="0")

    assert done.status_code == 201
    assert uploads(folder) == []
    assert ask(site, "HEAD", OUTPUT).status_code == 416


def test_a_file_that_is_being_stored_is_waited_for(folder: Path) -> None:
    claimed = folder / "uploads" / f"{OUTPUT.key}.claimed"
    claimed.write_bytes(CONTENT)
    site = site_of(folder)

    with claimed.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert ask(site, "HEAD", OUTPUT).status_code == 503
        assert put(site).status_code == 503

    # The process that stored it has died, and its lock with it.
    assert ask(site, "HEAD", OUTPUT)["Upload-Offset"] == "0"
    assert uploads(folder) == []


def test_uploads_that_were_given_up_are_removed(folder: Path) -> None:
    old, new = folder / "uploads" / "old.part", folder / "uploads" / "new.part"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))

    assert put(site_of(folder)).status_code == 201
    assert uploads(folder) == ["new.part"]


def test_uploads_of_jobs_that_are_over_are_removed(folder: Path) -> None:
    site = site_of(folder)
    for number in range(2):
        mine = replace(OUTPUT, job_id=f"job-{number}")
        site.uploads.append(mine, Part(start=0, stop=10), BytesIO(CONTENT[:10]))
    (folder / "uploads" / "broken.job").write_text("no JSON")
    (folder / "final" / "job-0").touch()

    site.uploads.purge(site.home.is_open)

    kept = replace(OUTPUT, job_id="job-1").key
    assert sorted(uploads(folder)) == sorted([f"{kept}.part", f"{kept}.job", "broken.job"])


def test_late_bytes_of_a_client_that_is_gone_change_nothing(folder: Path) -> None:
    site = site_of(folder)

    class Late:
        """A body whose last bytes come when another request has stored the file."""

        def __init__(self) -> None:
            self.reads = 0

        def read(self, most: int) -> bytes:
            self.reads += 1
            if self.reads == 2:
                assert put_from(site, 10).status_code == 201
            return CONTENT[:10] if self.reads == 1 else b"late"

    part = Part(start=0, stop=FILE.size)
    site.uploads.append(OUTPUT, part, Late())

    assert uploads(folder) == []
    assert ask(site, "HEAD", OUTPUT).status_code == 416


def put_from(site: Any, start: int) -> HttpResponseBase:
    """Return the response to the rest of an upload."""
    [_, url] = transfer_urls(site)
    request = RequestFactory().put(
        "/",
        data=CONTENT[start:],
        content_type="application/octet-stream",
        headers={"Content-Range": f"bytes {start}-{FILE.size - 1}/{FILE.size}"},
    )
    response: HttpResponseBase = url.callback(request, peer=PEER, grant=SIGNER.grant(OUTPUT))
    return response


def test_home_fetches_nothing(folder: Path) -> None:
    home = HomeHttpTransport(SIGNER)
    forged = Ticket(transport="http", data={"grant": SIGNER.grant(OUTPUT)})

    with pytest.raises(InvalidTicket, match="home fetches nothing"):
        home.fetch(OUTPUT, forged, None)  # type: ignore[arg-type]


def test_a_peer_without_a_key_is_offered_nothing(folder: Path) -> None:
    home = HomeHttpTransport(SIGNER)

    with pytest.raises(LookupError, match="no key for the peer 'oslo'"):
        home.offer(replace(INPUT, peer="oslo"), source(CONTENT))

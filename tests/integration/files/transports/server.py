"""A home site in its own process: `python -m tests.integration.files.transports.server FOLDER 0`.

The folder is its database: `inputs/DIGEST`, `accepted/KEY`, `final/JOB`, and `refused` with a line
for each refusal.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import django
from django.conf import settings
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.test import override_settings
from django.urls import include, path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.files import File

    from offload.core.transfers.descriptions import Transfer
    from offload.files.transports.http.home import Refusal, TransferSite
    from offload.files.transports.transport import Source

FOLDERS = ("inputs", "accepted", "final", "uploads", "home")
#: The keys that this site shares with its peers.
KEYS = {"paris": "key of paris", "rome": "key of rome"}
#: Job folders in the storage are named by payloads.
PAYLOAD = "0199e2a4-0000-7000-8000-000000000000"


class FolderHome:
    """Jobs and files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def is_open(self, transfer: Transfer) -> bool:
        """Return whether nobody has said that the job is final."""
        return not (self.folder / "final" / transfer.job_id).exists()

    def source(self, transfer: Transfer) -> Source | None:
        """Return an input."""
        from offload.files.transports.transport import Source

        place = self.folder / "inputs" / transfer.file.sha256
        if not place.exists():
            return None
        return Source(open=partial(place.open, "rb"), storage="inputs", location=place.name)

    def held(self, transfers: Sequence[Transfer]) -> set[Transfer]:
        """Return the outputs that were accepted."""
        return {one for one in transfers if (self.folder / "accepted" / one.key).exists()}

    def accept(self, files: Sequence[tuple[Transfer, File[Any]]]) -> Sequence[Any]:
        """Store outputs and note where."""
        return [self.accept_one(*one) for one in files]

    def accept_one(self, transfer: Transfer, content: File[Any]) -> Any:
        """Store an output; return what is wrong with it."""
        from offload.core.exceptions import NoSpace, TransferFailed
        from offload.files.transports.staging import keep

        try:
            stored = keep(transfer.file, content, "home", PAYLOAD)
        except (NoSpace, TransferFailed) as problem:
            return problem
        # Two requests may bring the same file at once.
        note = self.folder / "accepted" / f"{transfer.key}.{uuid4()}"
        note.write_text(json.dumps(asdict(stored)))
        note.replace(self.folder / "accepted" / transfer.key)
        return None

    def refused(self, peer: str, refusal: Refusal) -> None:
        """Note a refusal."""
        with (self.folder / "refused").open("a") as file:
            file.write(f"{peer} {refusal}\n")


def site_of(folder: Path, **options: Any) -> TransferSite:
    """Return the site whose files are in a folder."""
    from offload.core.transfers.limits import TransferLimits
    from offload.files.transports.http.grants import GrantSigner
    from offload.files.transports.http.home import TransferSite
    from offload.files.transports.http.uploads import UploadFolder

    return TransferSite(
        home=FolderHome(folder),
        signer=GrantSigner(key=KEYS.get),
        uploads=UploadFolder(path=folder / "uploads"),
        limits=TransferLimits(free_bytes=0),
        **options,
    )


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing about requests."""


class _Server(ThreadedWSGIServer):
    def handle_error(self, *_: Any) -> None:
        """Say nothing about clients that went away."""


def storages(folder: Path) -> dict[str, Any]:
    """Return the settings of the storages in a folder."""
    return {
        alias: {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(folder / alias)},
        }
        for alias in ("home", "inputs")
    }


def serve(folder: Path, port: int) -> None:
    """Serve until the process is ended; the port is in the folder's `port`."""
    django.setup()
    from offload.files.transports.http.views import transfer_urls

    # The whole stack of the site is in front of the views: sessions, CSRF, its own.
    urls = type(sys)("tests.integration.files.transports.served")
    urls.urlpatterns = [path("offload/files/", include(transfer_urls(site_of(folder))))]  # type: ignore[attr-defined]
    sys.modules[urls.__name__] = urls
    with override_settings(
        ROOT_URLCONF=urls.__name__, STORAGES={**settings.STORAGES, **storages(folder)}
    ):
        server = _Server(("127.0.0.1", port), _Quiet)
        server.daemon_threads = True
        server.set_app(get_wsgi_application())
        ready = folder / "port.new"
        ready.write_text(str(server.server_port))
        ready.rename(folder / "port")
        server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))

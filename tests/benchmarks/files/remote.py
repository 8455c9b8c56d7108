"""The remote side in a process: fetches or pushes the files of a folder, and says what that took.

`python -m tests.benchmarks.files.remote fetch|push FOLDER ADDRESS SOURCES`
"""

from __future__ import annotations

import json
import resource
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
from django.conf import settings

if TYPE_CHECKING:
    from offload.core.transfers.descriptions import Transfer

KIB = 1 << 10
PEER, STORAGE = "paris", "remote"


def _transfer(direction: str, path: Path) -> Transfer:
    from offload.core.transfers.descriptions import Direction, FileDescription, Transfer
    from offload.files.transports.staging import digest

    with path.open("rb") as file:
        found = digest(file)
    described = FileDescription(
        name=path.name, size=path.stat().st_size, media_type="a/b", sha256=found
    )
    return Transfer(peer=PEER, job_id="bench", direction=Direction(direction), file=described)


def _fetch(transports: Any, transfers: Any, home: Any) -> None:
    from offload.files.transports.parts import new_part
    from offload.files.transports.receiving import FileReceiver, IncomingFile

    receiver = FileReceiver(transports=transports, storage=STORAGE)
    incoming = [
        IncomingFile(transfer=one, ticket=home.invite(one), part=new_part(STORAGE, one.file))
        for _, one in transfers
    ]
    receiver.receive(incoming, folder="0199e2a4-0000-7000-8000-000000000000")


def _push(transports: Any, transfers: Any, home: Any) -> None:
    from offload.files.transports.sending import FileSender, InvitedFile
    from offload.files.transports.transport import Source

    invited = [
        InvitedFile(
            transfer=one, ticket=home.invite(one), source=Source(open=partial(path.open, "rb"))
        )
        for path, one in transfers
    ]
    FileSender(transports=transports).push(invited)


def main(what: str, folder: Path, address: str, sources: Path) -> dict[str, float]:
    """Carry all files; return the seconds and how many bytes the process grew."""
    settings.STORAGES = {
        **settings.STORAGES,
        STORAGE: {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(folder / STORAGE)},
        },
    }
    django.setup()
    from offload.files.transports.http.client import HttpClient
    from offload.files.transports.http.grants import GrantSigner
    from offload.files.transports.http.home_transport import HomeHttpTransport
    from offload.files.transports.http.remote_transport import RemoteHttpTransport
    from tests.integration.files.transports.server import KEYS

    direction = "input" if what == "fetch" else "output"
    transfers = [(path, _transfer(direction, path)) for path in sorted(sources.iterdir())]
    client = HttpClient(f"{address}/{PEER}")
    transports = {"http": RemoteHttpTransport(client)}
    home = HomeHttpTransport(GrantSigner(key=KEYS.get))
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    (_fetch if what == "fetch" else _push)(transports, transfers, home)
    seconds = time.monotonic() - begun
    client.close()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * KIB
    return {"seconds": seconds, "grown": grown}


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.stdout.write(json.dumps(main(given[0], Path(given[1]), given[2], Path(given[3]))))

"""The transports of this site, as a home and as the other side of one."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from offload.conf import peers, settings
from offload.core.exceptions import ConfigurationError
from offload.files.transports.http.client import HttpClient
from offload.files.transports.http.grants import GrantSigner
from offload.files.transports.http.home_transport import HomeHttpTransport
from offload.files.transports.http.remote_transport import RemoteHttpTransport
from offload.files.transports.inline import InlineTransport
from offload.files.transports.shared_storage import StorageTransport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from offload.files.transports.transport import Transport

    #: By their names.
    Transports: TypeAlias = Mapping[str, Transport]


def here(home: str) -> list[str]:
    """Return the names of the transports by which this site gets files of a home."""
    known = peers().by_name.get(home)
    names = ["inline"]
    if settings().shared_storage:
        names.append("storage")
    if known is not None and known.url:
        names.append("http")
    return names


def at_home() -> Transports:
    """Return the transports by which this site offers files of its jobs, or gets them back."""
    return {**_local(), "http": HomeHttpTransport(signer())}


@contextmanager
def at_peer(home: str) -> Iterator[Transports]:
    """Provide the transports by which this site carries files of a home's jobs."""
    found, known = _local(), peers().by_name.get(home)
    if known is None or not known.url:
        yield found
        return
    client = HttpClient(f"{known.url}/{peers().own_name}")
    try:
        yield {**found, "http": RemoteHttpTransport(client)}
    finally:
        client.close()


def _local() -> dict[str, Transport]:
    found: dict[str, Transport] = {"inline": InlineTransport()}
    if alias := settings().shared_storage:
        found["storage"] = StorageTransport(alias)
    return found


def signer() -> GrantSigner:
    """Return the signer of addresses: by the first key of each peer, all of which count."""
    return GrantSigner(key=lambda peer: next(iter(_keys(peer)), None), others=_keys)


def _keys(peer: str) -> list[str]:
    known = peers().by_name.get(peer)
    return [] if known is None else [one.secret.decode() for one in known.keys]


def uploads() -> Path:
    """Return the folder of uploads that are not complete; make it if need be.

    Raise ConfigurationError if it cannot be made, or belongs to somebody else.
    """
    usual = Path(tempfile.gettempdir()) / f"offload-uploads-{os.getuid()}"
    found = Path(settings().uploads or usual)
    try:
        found.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = found.lstat()
    except OSError as error:
        raise ConfigurationError(
            setting='OFFLOAD["UPLOADS"]', problem=f"{found}: {error.strerror}"
        ) from error
    if not settings().uploads and (there.st_uid, there.st_mode) != (os.getuid(), 0o040700):
        problem = f"{found} is no folder of this user's alone; remove it"
        raise ConfigurationError(setting='OFFLOAD["UPLOADS"]', problem=problem)
    return found

"""The transports of this site, as a home and as the other side of one."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from offload.conf import peers, settings
from offload.core.exceptions import ConfigurationError
from offload.core.lazy import load
from offload.files import scratch
from offload.files.transports.http.grants import GrantSigner
from offload.files.transports.http.home_transport import HomeHttpTransport
from offload.files.transports.inline import InlineTransport
from offload.files.transports.shared_storage import StorageTransport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from offload.files.transports.transport import Transport

    #: By their names.
    Transports: TypeAlias = Mapping[str, Transport]

# The client's library is an extra, which a site without addresses of others does not need.
CLIENT = "offload.files.transports.http.client:HttpClient"
REMOTE_TRANSPORT = "offload.files.transports.http.remote_transport:RemoteHttpTransport"


@cache
def has_http_client() -> bool:
    """Tell whether the library is installed with which files are got from other sites by HTTP."""
    return find_spec("urllib3") is not None


def here(home: str) -> list[str]:
    """Return the names of the transports by which this site gets files of a home."""
    names = ["inline"]
    if settings().shared_storage:
        names.append("storage")
    if _address(home):
        names.append("http")
    return names


def at_home() -> Transports:
    """Return the transports by which this site offers files of its jobs, or gets them back."""
    return {**_local(), "http": HomeHttpTransport(signer())}


@contextmanager
def at_peer(home: str) -> Iterator[Transports]:
    """Provide the transports by which this site carries files of a home's jobs."""
    found, address = _local(), _address(home)
    if not address:
        yield found
        return
    client = load(CLIENT)(f"{address}/{peers().own_name}")
    try:
        yield {**found, "http": load(REMOTE_TRANSPORT)(client)}
    finally:
        client.close()


def _address(home: str) -> str:
    """Return the address of a home's files, or nothing if this site can get none by HTTP."""
    known = peers().by_name.get(home)
    return known.url if known is not None and has_http_client() else ""


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


def uploads_place() -> Path:
    """Return where uploads are that are not complete; each site has a folder of its own."""
    if settings().uploads:
        return Path(settings().uploads)
    return Path(tempfile.gettempdir()) / f"offload-uploads-{os.getuid()}-{scratch.site()}"


def uploads() -> Path:
    """Return the folder of uploads that are not complete; make it if need be.

    Raise ConfigurationError if it cannot be made, or belongs to somebody else.
    """
    found = uploads_place()
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

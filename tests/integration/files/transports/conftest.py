"""Storages of two sites, and each transport between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import override_settings

from tests.integration.files.transports.http_link import HttpLink, Server
from tests.integration.files.transports.links import (
    HOME,
    REMOTE,
    SHARED,
    InlineLink,
    Link,
    MemoryLink,
    StorageLink,
)
from tests.integration.files.transports.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def app() -> None:
    """Install no app, unlike the room's other tests: a transport knows no tables."""


@pytest.fixture
def changes() -> None:
    """Watch no jobs, for the same reason."""


@pytest.fixture(autouse=True)
def storages(tmp_path: Path) -> Iterator[Path]:
    """Return the folder with the storage of each side, and the one that both see."""
    made = {
        alias: {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / alias)},
        }
        for alias in (HOME, REMOTE, SHARED)
    }
    with override_settings(STORAGES={**settings.STORAGES, **made}):
        yield tmp_path


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    """Return an empty folder for files on their way."""
    folder = tmp_path / "staging"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def home_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a home site that runs for all tests of the process."""
    server = Server(folder=tmp_path_factory.mktemp("home"))
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture
def http_link(home_server: Server, staging: Path) -> Iterator[HttpLink]:
    """Return a link by HTTP, with a proxy that passes everything on."""
    home_server.clear()
    proxy = Proxy(home_server.port)
    link = HttpLink(staging=staging, server=home_server, proxy=proxy)
    try:
        yield link
    finally:
        link.client.close()
        proxy.close()


@pytest.fixture(params=["inline", "storage", "memory", "http", "http one by one"])
def link(request: pytest.FixtureRequest, staging: Path, storages: Path) -> Link:
    """Return a link by each transport."""
    if request.param.startswith("http"):
        found: HttpLink = request.getfixturevalue("http_link")
        found.takes_batches = request.param == "http"
        return found
    if request.param == "inline":
        return InlineLink(staging=staging)
    if request.param == "storage":
        return StorageLink(staging=staging, shared=storages / SHARED)
    return MemoryLink(staging=staging)

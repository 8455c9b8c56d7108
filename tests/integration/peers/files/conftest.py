"""Fixtures of files of jobs that travel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from offload.peers import sending
from tests.integration.fixtures import _app, app, broker, changes, media
from tests.integration.peers.files.sent_outputs import having
from tests.integration.peers.travel.conftest import link

if TYPE_CHECKING:
    from tests.integration.peers.travel.clusters import Link

__all__ = ["_app", "app", "broker", "changes", "link", "media"]


@pytest.fixture
def by_http(link: Link, monkeypatch: pytest.MonkeyPatch) -> Link:
    """Return the link between two clusters that carry files by HTTP alone."""
    return having(link, monkeypatch, TRANSPORTS={"*": ["http"]}, MIN_FREE=0)


@pytest.fixture
def by_storage(link: Link, monkeypatch: pytest.MonkeyPatch) -> Link:
    """Return the link between two clusters that see one storage."""
    return having(link, monkeypatch, TRANSPORTS={"*": ["storage"]}, SHARED_STORAGE="offload")


@pytest.fixture
def told(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what an agent of home sends travel by the link."""

    def send(peer: str, contents: list[Any], **_: object) -> bool:
        link.sent[peer] += contents
        return True

    monkeypatch.setattr(sending, "send", send)

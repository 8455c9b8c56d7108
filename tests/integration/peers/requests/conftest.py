"""Fixtures of requests between two clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.peers.requests.mail import Mail
from tests.integration.peers.travel.conftest import _app, app, broker, changes, link

if TYPE_CHECKING:
    from tests.integration.peers.travel.clusters import Link

__all__ = ["_app", "app", "broker", "changes", "link"]


@pytest.fixture
def mail(link: Link, monkeypatch: pytest.MonkeyPatch) -> Mail:
    """Return two clusters, of which the peer lets home rule, as home knows."""
    # Where readline was loaded it is in the environment, of a terminal that is not there.
    monkeypatch.delenv("COLUMNS", raising=False)
    made = Mail(link)
    made.let_rule()
    return made

"""Fixtures of runs that go whole: the link, definitions, and a leader's term."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, group

from offload.fleet import leadership
from offload.workflows import approval, step, workflow
from offload.workflows.definitions import defined
from tests.integration.fixtures import _app, app, broker, changes
from tests.integration.peers.travel.clusters import Cluster, Link
from tests.integration.peers.whole.acting import CONSUMERS, NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.fleet.leadership import Term

__all__ = ["_app", "app", "broker", "changes"]


@pytest.fixture
def link(database_alias: str, beside: str) -> Link:
    """Return the link to a peer with an instance that takes whole runs."""
    link = Link(
        home=Cluster("site", beside, "render"), peer=Cluster("render", database_alias, "site")
    )
    link.introduce(consumers=CONSUMERS)
    return link


@pytest.fixture(autouse=True)
def definitions(app: object) -> Iterator[None]:
    """Define workflows for these tests alone."""
    before = dict(defined)

    @workflow(NAME)
    def whole() -> Any:
        return chain(
            step("dam/first", size=3),
            group(step("dam/second", called="a"), step("dam/second", called="b")),
        )

    @workflow("dam/asks")
    def asks() -> Any:
        return chain(step("dam/first"), approval("good?"))

    yield
    defined.clear()
    defined.update(before)


@pytest.fixture
def term_at_home(link: Link) -> Term:
    """Return a term of the leader at home."""

    with link.home.here():
        term = leadership.acquire("leader@home", "boot-1")
    assert term is not None
    return term

"""Signed messages between two clusters in one process, each with its own database."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from django.db.models.functions import Now

from offload.conf import peers
from offload.messaging import clusters
from offload.models import Peer, PeerRequest, Rule
from offload.models.change_records import Entrance
from offload.operations.changes import requested
from offload.operations.changes.actors import Actor
from offload.operations.changes.requests import AskPeer
from offload.peers import outboxes
from offload.peers.receiving import Receiver
from offload.signals import RequestAnswered, request_answered
from tests.integration.world import HERE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.peers.rule_requests import RequestAction
    from tests.integration.peers.travel.clusters import Cluster, Link

THERE = f"render/{HERE}"
ADA = Actor(name="ada", entrance=Entrance.ADMIN)


@dataclass(slots=True)
class Mail:
    """The two clusters, and what is on its way between them."""

    link: Link
    may_rule: bool = True
    #: By the name of the cluster that each is for.
    sent: dict[str, list[bytes]] = field(default_factory=lambda: {"site": [], "render": []})

    @contextmanager
    def at(self, cluster: Cluster) -> Iterator[None]:
        """Let the process be one of this cluster's for a block; what is sent waits."""
        known: dict[str, Any] = {"KEY": "k" * 48, "SEND": ["dam/**"], "ACCEPT": ["dam/**"]}
        if cluster is self.link.peer:
            known["MAY_RULE"] = self.may_rule

        def send(peer: str, _: object, bodies: list[bytes], **how: object) -> None:
            self.sent[peer] += bodies

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(clusters, "send", send)
            patched.setattr(clusters, "waiting", lambda *_: 0)
            with cluster.here(PEERS={cluster.other: known}):
                yield

    @contextmanager
    def home(self) -> Iterator[None]:
        """Be at home for a block."""
        with self.at(self.link.home):
            yield

    @contextmanager
    def peer(self) -> Iterator[None]:
        """Be at the peer for a block."""
        with self.at(self.link.peer):
            yield

    def ask(self, action: RequestAction, *patterns: str, **facts: Any) -> int:
        """Ask the peer for a change of its one instance, or of another; return the number."""
        change = AskPeer(**{"instance": THERE, "action": action, "patterns": patterns, **facts})
        with self.home():
            return change.apply(ADA).request.pk

    def send(self) -> int:
        """Send what is due; return how many messages wait for the peer."""
        with self.home():
            outboxes.drain_requests()
        return len(self.sent["render"])

    def send_again(self) -> int:
        """Send what is open, due or not."""
        with self.home():
            PeerRequest.objects.update(due_at=Now())
        return self.send()

    def deliver(self, cluster: Cluster) -> None:
        """Deliver what waits for a cluster; its answers wait for the other one."""
        waiting, self.sent[cluster.name] = self.sent[cluster.name], []
        with self.at(cluster):
            receiver = Receiver(config=peers(), request_taker=requested.take)
            for data in waiting:
                receiver.take(data)
            receiver.refusals.write()

    def exchange(self) -> None:
        """Send what is open, and deliver everything."""
        self.send_again()
        self.deliver(self.link.peer)
        self.deliver(self.link.home)

    def row(self, number: int) -> PeerRequest:
        """Return a request as it is at home."""
        with self.home():
            return PeerRequest.objects.get(pk=number)

    def let_rule(self, *, lets: bool = True) -> None:
        """Let home know whether the peer lets it rule."""
        with self.home():
            Peer.objects.update(lets_rule=lets)


@contextmanager
def heard() -> Iterator[list[RequestAnswered]]:
    """Return the events of a block."""
    events: list[RequestAnswered] = []

    def note(*, event: RequestAnswered, **_: object) -> None:
        events.append(event)

    request_answered.connect(note, dispatch_uid="tests")
    yield events
    request_answered.disconnect(dispatch_uid="tests")


def rules(mail: Mail) -> set[tuple[str, str, str]]:
    """Return the rules at the peer."""
    with mail.peer():
        return set(Rule.objects.values_list("verb", "target", "pattern"))

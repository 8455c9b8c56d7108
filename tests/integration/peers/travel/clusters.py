"""Two clusters in one process, each with its own database, and what travels between them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models.functions import Now
from django.test import override_settings

from offload.core.peers.encoding import kind_of, packed, unpacked
from offload.db import database
from offload.dispatch.full_lanes import full_lanes
from offload.dispatch.remote_sending import remote_sending
from offload.fleet import snapshots
from offload.models import Peer
from offload.models.versions import raise_version
from offload.peers.announcing import announced
from offload.peers.kinds import OUTBOXES, TAKERS
from offload.results import task_results
from tests.integration.world import HERE, join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.peers.contents import Content

HOUR = timedelta(hours=1)
KEYS = {"site": "a" * 48, "render": "b" * 48}
LIMIT_BYTES = 1 << 20
#: Where the other one's site would be.
URL = "http://127.0.0.1:9/offload"


@dataclass(slots=True)
class Cluster:
    """One of the two, by its name, the alias of its database, and the name of the other."""

    name: str
    alias: str
    other: str

    @contextmanager
    def here(self, **options: Any) -> Iterator[None]:
        """Let the process be one of this cluster's for a block, with these settings besides."""
        known = {"KEY": "k" * 48, "SEND": ["dam/**"], "ACCEPT": ["dam/**"], "URL": URL}
        given = {"DATABASE": self.alias, "CLUSTER": self.name, "PEERS": {self.other: known}}
        given |= options
        # What is sent waits until a test carries it.
        left = remote_sending.instead(None)
        with left, override_settings(OFFLOAD={**settings.OFFLOAD, **given}):
            _forget()
            yield
        _forget()


def _forget() -> None:
    snapshots.forget()
    full_lanes.clear()
    task_results.in_transaction.cache_clear()


@dataclass(slots=True)
class Link:
    """The broker between two clusters; what was sent waits until somebody carries it."""

    home: Cluster
    peer: Cluster
    #: By the name of the cluster that each is for.
    sent: dict[str, list[Content]] = field(default_factory=lambda: {"site": [], "render": []})

    def introduce(self, **facts: Any) -> None:
        """Let the peer have an instance with these facts, and both hear of each other."""
        with self.peer.here():
            join(HERE, **facts)
            instances = announced()
            Peer.objects.create(
                name="site", own_name="render", heard_at=Now(), lease_until=Now() + HOUR
            )
        with self.home.here():
            Peer.objects.create(name="render", own_name="site", heard_at=Now(), instances=instances)
            raise_version()

    def send(self, sender: Cluster) -> list[Content]:
        """Let one side send what is due; return it."""
        receiver = sender.other
        with sender.here():
            found = [one for box in OUTBOXES for one in self._due(box, receiver)]
        self.sent[receiver] += found
        return found

    @staticmethod
    def _due(box: Any, receiver: str) -> list[Content]:
        now = snapshots.now()
        found = list(box.due(receiver, now, 100))
        box.sent(receiver, found, now)
        return found

    def carry(self, receiver: Cluster) -> list[Content]:
        """Deliver what was sent to one side, and send its answers back."""
        arrived, self.sent[receiver.name] = self.sent[receiver.name], []
        for content in arrived:
            self.deliver(receiver, content)
        return arrived

    def deliver(self, receiver: Cluster, content: Content) -> None:
        """Deliver one content, as it travels."""
        said = json.loads(json.dumps(packed(content)))
        read = unpacked(kind_of(content), said, LIMIT_BYTES)
        with receiver.here(), database.atomic():
            answers = TAKERS[type(read)](receiver.other, read, snapshots.now())
        self.sent[receiver.other] += answers

    def exchange(self) -> None:
        """Let both sides say all that they have to say."""
        for _ in range(3):
            self.send(self.home)
            self.carry(self.peer)
            self.send(self.peer)
            self.carry(self.home)

"""The links of an agent to other clusters: for each broker two threads that take their messages.

One takes announcements alone, which so wait behind no jobs and reports.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from django.db import DatabaseError, connections

from offload.conf import peers
from offload.db import database
from offload.messaging import clusters
from offload.peers.receiving import DatabaseOutOfReach, Receiver, unheeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from kombu import Connection, Queue

    from offload.core.peers.contents import Content
    from offload.core.peers.link_broker import LinkBroker
    from offload.peers.kinds import Taker

logger = logging.getLogger("offload.peers")

#: Seconds before a lost link is tried again; doubled each time, up to the longest.
PAUSE_SECONDS, PAUSE_MAX_SECONDS = 1.0, 30.0


class PeerLink(threading.Thread):
    """Takes this cluster's messages from one broker until it is stopped."""

    def __init__(
        self,
        broker: LinkBroker,
        receiver: Receiver,
        *,
        queue: Callable[[str], Queue] = clusters.cluster_queue,
        connect: Callable[[LinkBroker], Connection] = clusters.connect,
    ) -> None:
        """Take the broker, the receiver of its messages, and the queue of a cluster of a name."""
        super().__init__(name="peer-link", daemon=True)
        self._broker = broker
        self._receiver = receiver
        self._queue = queue
        self._connect = connect
        self._over = threading.Event()
        self._pause = PAUSE_SECONDS

    def stop(self) -> None:
        """Take no further message; one that is being taken is not waited for."""
        self._over.set()

    def run(self) -> None:
        """Consume, and begin again after each error."""
        while not self._over.is_set():
            self._try()
            self._over.wait(self._pause)
            self._pause = min(self._pause * 2, PAUSE_MAX_SECONDS)
        connections.close_all()

    def _try(self) -> None:
        try:
            with self._connect(self._broker) as connection:
                queue = self._queue(self._receiver.config.own_name)
                clusters.consume(connection, queue, self._receiver.take, tick=self._tick)
        except DatabaseOutOfReach as error:
            logger.warning("messages of other clusters wait for the database: %s", error)
        except Exception as error:
            # Every transport has errors of its own.
            logger.warning("no link to other clusters: %s", str(error) or repr(error))
        finally:
            database.connection().close()

    def _tick(self) -> bool:
        """Note that the link stands, and write what was counted; tell whether to go on."""
        self._pause = PAUSE_SECONDS
        try:
            self._receiver.refusals.write()
        except DatabaseError:
            # Counted until it answers.
            database.connection().close()
        return not self._over.is_set()


def start(
    request_taker: Taker | None = None, heed: Callable[[Content], object] = unheeded
) -> list[PeerLink]:
    """Start the links that the settings call for; none if they name no peer.

    ``request_taker`` takes requests of other clusters to change rules here; ``heed`` is told of
    each content that was taken.
    """
    config = peers()
    brokers = dict.fromkeys(one.broker for one in config.by_name.values())
    queues = clusters.cluster_queue, clusters.presence_queue
    links = [
        PeerLink(one, Receiver(config=config, request_taker=request_taker, heed=heed), queue=queue)
        for one in brokers
        for queue in queues
    ]
    for one in links:
        one.start()
    return links

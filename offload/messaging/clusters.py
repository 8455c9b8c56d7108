"""Queues between clusters: bytes that are given to a broker, and taken from it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from kombu import Connection, Consumer, Queue
from kombu.pools import producers

from offload.messaging.installation import celery_app
from offload.messaging.publisher import EXCHANGE, PUBLISH_TIMEOUT_SECONDS, SECONDS_PER_MESSAGE
from offload.messaging.timeouts import within

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from offload.core.peers.link_broker import LinkBroker

#: Of bodies that are signed bytes; nothing decodes them.
CONTENT_TYPE, CONTENT_ENCODING = "application/x-offload-peer", "binary"
#: Seconds between two heartbeats of a broker that has them, and until a connection must stand.
HEARTBEAT_SECONDS, CONNECT_SECONDS = 20, 5.0
#: Messages that one process takes at once.
PREFETCH = 16


@lru_cache(maxsize=256)
def cluster_queue(cluster: str) -> Queue:
    """Return the queue of a cluster, which all its agents consume."""
    name = f"offload.cluster.{cluster}"
    return Queue(name, exchange=EXCHANGE, routing_key=name, durable=True)


@lru_cache(maxsize=256)
def presence_queue(cluster: str) -> Queue:
    """Return the queue of a cluster's presence: nothing in it waits behind jobs or reports."""
    name = f"offload.presence.{cluster}"
    return Queue(name, exchange=EXCHANGE, routing_key=name, durable=True)


def connect(broker: LinkBroker) -> Connection:
    """Return a new connection to a broker, by default to the app's.

    Of the app's options for its broker, none counts for another one.
    """
    if broker:
        return Connection(
            broker.url,
            connect_timeout=CONNECT_SECONDS,
            heartbeat=HEARTBEAT_SECONDS,
            transport_options=dict(broker.options),
            ssl=broker.ssl if isinstance(broker.ssl, bool) else dict(broker.ssl),
        )
    found: Connection = celery_app().connection_for_read(heartbeat=HEARTBEAT_SECONDS)
    return found


def consume(
    connection: Connection,
    queue: Queue,
    take: Callable[[bytes], object],
    *,
    tick: Callable[[], bool],
) -> None:
    """Give each message of a queue to a function; acknowledge it once that returns.

    ``tick`` is called about once a second; it ends this when it returns False. Whatever ``take``
    raises ends this too, and the message is put back.
    """

    def received(message: Any) -> None:
        try:
            take(_bytes(message.body))
        except BaseException:
            message.requeue()
            raise
        message.ack()

    channel = connection.channel()
    consumer = Consumer(channel, [queue], on_message=received, no_ack=False)
    consumer.qos(prefetch_count=PREFETCH)
    with consumer:
        while tick():
            try:
                connection.drain_events(timeout=1.0)
            except TimeoutError:
                connection.heartbeat_check()


def _bytes(body: object) -> bytes:
    """Return a body as the bytes that were sent; anybody may have sent something else."""
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    return str(body).encode("utf-8", "replace")


def waiting(cluster: str, broker: LinkBroker, *, apart: bool = False) -> int:
    """Return how many messages wait for a cluster; on request, those of its presence."""
    queue = presence_queue(cluster) if apart else cluster_queue(cluster)
    return int(within(PUBLISH_TIMEOUT_SECONDS, lambda: _with_producer(broker, _count, queue)))


def send(
    cluster: str,
    broker: LinkBroker,
    bodies: Sequence[bytes],
    *,
    expires: float | None = None,
    apart: bool = False,
) -> None:
    """Give messages for a cluster to the broker, within a second or so.

    ``apart`` are those of its presence. ``expires`` are the seconds after which a broker that can
    drops them. Raise an error of the broker's library, or TimeoutError, if it does not take them.
    """
    limit = PUBLISH_TIMEOUT_SECONDS + SECONDS_PER_MESSAGE * len(bodies)
    queue = presence_queue(cluster) if apart else cluster_queue(cluster)
    within(limit, lambda: _with_producer(broker, _send, queue, bodies, expires))


def _with_producer(broker: LinkBroker, act: Callable[..., Any], *args: Any) -> Any:
    pool: Any = producers[connect(broker)] if broker else celery_app().producer_pool
    with pool.acquire(block=True, timeout=1) as producer:
        return act(producer, *args)


def _count(producer: Any, queue: Any) -> int:
    return int(queue.bind(producer.channel).queue_declare().message_count)


def _send(producer: Any, queue: Queue, bodies: Sequence[bytes], expires: float | None) -> None:
    for body in bodies:
        producer.publish(
            body, exchange="", routing_key=queue.name, declare=[queue], retry=False,
            delivery_mode=2, content_type=CONTENT_TYPE, content_encoding=CONTENT_ENCODING,
            expiration=expires,
        )  # fmt: skip

"""Foreign messages in the queue of an instance: its worker lives, and its jobs run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload.core.placement.topology import PROTOCOL_VERSION
from offload.core.states import JobState
from offload.messaging.installation import celery_app
from offload.messaging.publisher import EXCHANGE, instance_queue
from offload.models import Job
from tests.acceptance.watching import ended
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet, Worker

NAME = "acc/quick"
HEADER = {"v": PROTOCOL_VERSION, "id": "none", "epoch": 1, "topic": NAME}
BODY = [[], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
#: A text that stands in no other place: no log may hold it.
CONTENT = "content-of-a-foreign-message"
#: Headers and bodies of messages that somebody else writes.
FOREIGN: list[tuple[dict[str, Any], Any]] = [
    ({"offload": "text"}, BODY),
    ({"offload": [1, 2]}, BODY),
    ({"offload": 7, "task": "x", "id": "y"}, BODY),
    ({"offload": HEADER, "id": {"a": 1}, "task": NAME}, BODY),
    ({"offload": HEADER, "id": "none", "task": [NAME]}, BODY),
    ({"offload": {**HEADER, "id": {"a": 1}}, "id": {"a": 1}, "task": NAME}, BODY),
    ({"offload": {**HEADER, "epoch": "1"}, "id": "none", "task": NAME}, BODY),
    ({"offload": {**HEADER, "v": 99}, "id": "none", "task": NAME}, BODY),
    ({"offload": HEADER, "id": "none", "task": NAME, "timelimit": ["a", "b"]}, BODY),
    ({"task": NAME, "id": "plain"}, []),
    ({}, {"task": 1}),
    ({}, b"\xff\x00 " + CONTENT.encode()),
]
#: Of these the count does not rise: they are of a job that is none, and told to nobody.
OF_A_JOB: list[tuple[dict[str, Any], Any]] = [
    ({"offload": HEADER, "id": "none", "task": NAME}, []),
    ({"offload": HEADER, "id": "none", "task": NAME}, BODY),
    ({"offload": HEADER, "id": "none", "task": "acc.nowhere"}, BODY),
]
#: Content that is pushed into a queue's list in Redis directly.
RAW = [b"\xff\xfe", b"{", b"7", b"[]", b'{"body": 1}', b'{"headers": [], "properties": 1}']


def send(worker: Worker, headers: dict[str, Any], body: Any) -> None:
    """Put a message into the queue of a worker's instance."""
    queue = instance_queue(worker.name)
    is_raw = isinstance(body, bytes)
    kind = {"content_type": "application/json"} if is_raw else {"serializer": "json"}
    with celery_app().connection_for_write() as connection, connection.Producer() as made:
        producer: Any = made
        producer.publish(
            body, exchange=EXCHANGE, routing_key=queue.routing_key, headers=headers,
            declare=[queue], **kind,
        )  # fmt: skip


def push(worker: Worker, raw: bytes) -> int:
    """Push bytes into the queue of a worker's instance where it is a list of Redis."""
    with celery_app().connection_for_write() as connection:
        channel: Any = connection.default_channel
        if not hasattr(channel, "_brpop_read"):
            return 0
        channel.client.lpush(instance_queue(worker.name).name, raw)
        return 1


@pytest.mark.on("sqlite+valkey", "postgresql+rabbitmq")
def test_whatever_lies_in_the_queue_of_an_instance_its_worker_lives(fleet: Fleet) -> None:
    [worker] = fleet.need("a")
    before = worker.row.load.get("malformed", 0)

    raw = sum(push(worker, one) for one in RAW)
    for headers, body in (*FOREIGN, *OF_A_JOB):
        send(worker, headers, body)

    assert offload.submit(NAME, {"value": 1}).result(60) == 1
    count = len(FOREIGN) + raw
    eventually(lambda: worker.row.load.get("malformed", 0) - before >= count, what="the count")
    assert worker.is_alive
    assert "somebody else writes there" in worker.last_words()
    assert CONTENT not in worker.log.read_text(errors="replace")


def test_a_job_whose_message_cannot_be_read_is_given_up_and_says_why(fleet: Fleet) -> None:
    [worker] = fleet.need("a")
    # Retries of its own: the agent may have read a queue of the test before within the last second.
    job = offload.submit(NAME, {"value": 1}, delay=3600, retries=1, retry_delay=0)
    # Its own message says a kind of content that the worker does not take.
    options = {**Job.objects.get(pk=job.id).options, "serializer": "pickle"}
    Job.objects.filter(pk=job.id).update(options=options, run_at=None)

    row = ended(job)

    assert (row.state, row.attempts, row.failures) == (JobState.GIVEN_UP, 2, 2)
    assert "ContentDisallowed" in row.error
    assert worker.is_alive

"""Any message in the queue of an instance is survived."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from celery.worker.state import reserved_requests
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from offload.core.envelopes import Key, Malformed
from offload.worker.parent.headers import envelope_of
from tests.unit.worker.parent.messages import BODY, HEADER, JSON, OURS, made, worker

if TYPE_CHECKING:
    from celery import Celery
    from kombu.message import Message

    from offload.worker.parent.in_flight import InFlight


NAMES = st.sampled_from(["a.task", "a.plain", "a.other"])
SPOILT = st.dictionaries(st.sampled_from([*HEADER, "silent", "limited"]), JSON).map(
    lambda one: {**HEADER, **one}
)
#: A right header, of which something is wrong.
HEADERS = JSON | st.fixed_dictionaries(
    {"task": NAMES | JSON, "id": st.just("one") | JSON},
    optional={
        "offload": st.just(HEADER) | JSON | SPOILT,
        "timelimit": JSON, "eta": JSON, "expires": JSON, "shadow": JSON, "retries": JSON,
        "stamped_headers": JSON, "stamps": JSON, "ignore_result": JSON, "argsrepr": JSON,
    },
)  # fmt: skip
BODIES = st.just(BODY) | st.binary() | st.sampled_from(
    [b"[]", b"7", b'{"args": 1}', b'"args"', b'[1, 2, 3]', b"[[],{},7]", b"\xff\xfe", b"[" * 5000]
)  # fmt: skip
TYPES = st.sampled_from(
    ["application/json", "application/x-python-serialize", "application/unknown", "", None]
)
ENCODINGS = st.sampled_from(["utf-8", "binary", "nonsense", None])


@hypothesis(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    headers=HEADERS, body=BODIES, content_type=TYPES, content_encoding=ENCODINGS,
    delivery_info=st.just(OURS) | JSON.filter(lambda one: one != {}),
)  # fmt: skip
def test_any_message_in_the_queue_of_an_instance_is_survived(
    app: Celery, held: InFlight, headers: Any, body: bytes, delivery_info: Any, **kind: Any
) -> None:
    logging.disable(logging.CRITICAL)
    for kept in (held.held, held.lost, held.refused):
        kept.clear()
    one = made(headers, body, delivery_info=delivery_info, **kind)
    try:
        worker(app, held).create_task_handler()(one)
    finally:
        logging.disable(logging.NOTSET)
        reserved_requests.clear()

    assert _valid(one) is None or {*held.held, *held.lost, *held.refused} == {("one", 1)}


def _valid(one: Message) -> Key | None:
    try:
        envelope = envelope_of(one)
    except Malformed:
        return None
    return envelope.key if envelope else None

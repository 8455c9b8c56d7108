"""Jobs that wait for others of their key or of their queue on an instance, or for a resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.matching.amounts import Amounts
from offload.core.states import Waiting
from offload.models import Queue
from tests.integration.world import HERE, bound, waiting

if TYPE_CHECKING:
    from collections.abc import Callable


def _of_full_key() -> str:
    Queue.objects.create(name="keys", topics=["x"], max_per_key=1)
    bound(queue="keys", key="acme")
    return waiting(queue="keys", key="acme")[0]


def _behind_its_key() -> str:
    Queue.objects.create(name="keys", topics=["x"], type="ordered_per_key")
    return waiting(2, queue="keys", key="acme")[1]


def _of_full_instance() -> str:
    Queue.objects.create(name="keys", topics=["x"], max_per_instance=1)
    bound(queue="keys")
    return waiting(queue="keys")[0]


def _of_full_host() -> str:
    Queue.objects.create(name="keys", topics=["x"], max_per_host=1)
    bound(queue="keys")
    return waiting(queue="keys")[0]


def _without_resource() -> str:
    return waiting(resources=Amounts.of({"maya": 1}))[0]


#: How a job came to wait, why it does, and words of the sentence.
KEY_REASONS: dict[str, tuple[Callable[[], str], Waiting, str]] = {
    "key limit": (_of_full_key, Waiting.KEY_LIMIT, "1 of 1 at once of key acme are bound or run."),
    "key order": (_behind_its_key, Waiting.KEY_ORDER, "of key acme comes before it."),
    "resource": (_without_resource, Waiting.RESOURCE, "a resource that nobody has defined"),
    "host limit": (_of_full_host, Waiting.HOST_LIMIT, " 1 of 1."),
    "instance limit": (_of_full_instance, Waiting.INSTANCE_LIMIT, f"{HERE} 1 of 1."),
}

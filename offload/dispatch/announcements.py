"""Celery's signals of a publish, sent where a job is submitted: there is the context of the call.

What receivers put into the message stays with the job, whoever binds and sends it, and when. So
traces go on over a job that waited.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from celery.signals import after_task_publish, before_task_publish

from offload.messaging import publisher

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from celery import Celery

    from offload.tracking.drafts import Draft


@contextmanager
def announced(app: Celery | None, drafts: Sequence[Draft]) -> Iterator[list[Draft]]:
    """Send the signals around a block, which gets the drafts with what receivers have added."""
    if app is None or not (before_task_publish.receivers or after_task_publish.receivers):
        yield list(drafts)
        return
    with ExitStack() as stack:
        yield [stack.enter_context(_announced(app, draft)) for draft in drafts]


@contextmanager
def _announced(app: Celery, draft: Draft) -> Iterator[Draft]:
    """Send the signals around a block; the sender is the topic where it alone is known."""
    name, options = draft.task or draft.topic, draft.options
    message = publisher.made(app, draft, name)
    headers = {**message.headers, **(options.get("headers") or {})}
    properties = {**message.properties, **(options.get("properties") or {})}
    told: dict[str, Any] = {
        "sender": name, "body": message.body, "headers": headers,
        "exchange": "", "routing_key": "",
    }  # fmt: skip
    before_task_publish.send(**told, declare=[], properties=properties, retry_policy={})
    yield replace(
        draft,
        options={
            **options,
            **_added("headers", headers, message.headers),
            **_added("properties", properties, message.properties),
        },
    )
    after_task_publish.send(**told)


def _added(kind: str, now: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands beside what Celery makes of a call by itself, as an option."""
    found = {name: value for name, value in now.items() if name not in own}
    return {kind: found} if found else {}

"""Celery's signals of a publish, sent at submission, where the context of the call is.

Headers that receivers add stay with the job, whoever binds and sends it, and whenever. So a trace
continues through a job that waited.
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
    """Send the signals around a block; yield the drafts with the headers that receivers added."""
    if app is None or not (before_task_publish.receivers or after_task_publish.receivers):
        yield list(drafts)
        return
    with ExitStack() as stack:
        yield [stack.enter_context(_announced(app, draft)) for draft in drafts]


@contextmanager
def _announced(app: Celery, draft: Draft) -> Iterator[Draft]:
    """Send the signals around a block; the sender is the topic if no task is known."""
    name, options = draft.task or draft.topic, draft.options
    message = publisher.made(app, draft, name)
    headers = {**message.headers, **(options.get("headers") or {})}
    properties = {**message.properties, **(options.get("properties") or {})}
    fields: dict[str, Any] = {
        "sender": name, "body": message.body, "headers": headers,
        "exchange": "", "routing_key": "",
    }  # fmt: skip
    before_task_publish.send(**fields, declare=[], properties=properties, retry_policy={})
    yield replace(
        draft,
        options={
            **options,
            **_added("headers", headers, message.headers),
            **_added("properties", properties, message.properties),
        },
    )
    after_task_publish.send(**fields)


def _added(kind: str, now: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return, as an option, the headers that receivers added to Celery's own."""
    found = {name: value for name, value in now.items() if name not in own}
    return {kind: found} if found else {}

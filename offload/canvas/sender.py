"""A replacement for an app's `send_task`, through which everything is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from offload.canvas import batches
from offload.canvas.again import is_own
from offload.canvas.failing import NodeResult
from offload.canvas.following import joins
from offload.canvas.freezing.calls import Call, delay_of, seconds_until
from offload.canvas.freezing.context import Continuation, running
from offload.canvas.freezing.drafting import job_draft, relay_draft
from offload.canvas.freezing.options import asked_anew
from offload.canvas.freezing.recognition import Recognised, plain_topic, recognise
from offload.canvas.freezing.signatures import EPOCH_OPTION
from offload.core.states import Hold
from offload.core.validation.ids import id_of
from offload.dispatch import subscribing
from offload.dispatch.announcements import announced
from offload.dispatch.submission import new_id
from offload.models import Kind
from offload.tracking import replacements
from offload.tracking.drafts import Draft, insert

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from celery import Celery
    from celery.result import AsyncResult

    from offload.canvas.batches import Batch
    from offload.canvas.freezing.context import Running

ACCUMULATE_TASK = "celery.accumulate"


class Sender:
    """Stores jobs, and all that is sent inside an offload transaction; sends the rest (B3)."""

    def __init__(self, app: Celery, stock: Callable[..., AsyncResult[Any]]) -> None:
        """Stand in for the app's own method."""
        self._app = app
        self.stock = stock

    def __call__(
        self,
        name: str,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        countdown: float | None = None,
        eta: Any = None,
        task_id: str | None = None,
        **options: Any,
    ) -> AsyncResult[Any]:
        """Behave as documented for ``Celery.send_task``."""
        batch, job = batches.current(), running.get()
        timed = {**options, "countdown": countdown, "eta": eta}
        if job is not None and task_id == job.id and batch is None:
            return self._continue(job, name, args, kwargs, timed)  # R6
        found = recognise(
            self._app, name, kwargs=kwargs, options=options, task=options.get("task_type")
        )
        if found is None and batch is None:
            options.pop(EPOCH_OPTION, None)
            return self.stock(name, args, kwargs, countdown, eta, task_id, **options)
        call = Call(
            id=id_of(task_id) if task_id else new_id(), name=name,
            args=tuple(args or ()), kwargs=kwargs or {},
            options={key: value for key, value in timed.items() if value is not None},
        )  # fmt: skip
        # The reply queue must exist before anything can run and reply.
        if not call.options.get("ignore_result"):
            subscribing.expect(self._app, call.id, call.options.get("producer"))
        self._store(call, found, batch)
        return self._result(call, batch)

    def _continue(
        self, job: Running, name: str, args: Any, kwargs: Any, options: Mapping[str, Any]
    ) -> AsyncResult[Any]:
        draft = Draft(
            id=job.id, topic=name, args=tuple(args or ()), properties=dict(kwargs or {}),
            options=asked_anew(self._app, options),
        )  # fmt: skip
        with announced(self._app, [draft]) as [draft]:
            job.continuation = Continuation(
                args=draft.args,
                kwargs=draft.properties,
                delay=delay_of(self._app, options) or 0.0,
                retries=options.get("retries") or 0,
                options=draft.options,
                expires_in=seconds_until(self._app, options.get("expires")),
            )
        return self._app.AsyncResult(job.id)

    def _store(self, call: Call, found: Recognised | None, batch: Batch | None) -> None:
        if found is None and call.name == ACCUMULATE_TASK:
            self._evaluate(call)
            return
        if found is None:
            self._keep([relay_draft(self._app, call)], batch)
            return
        with announced(self._app, [job_draft(self._app, call, found)]) as drafts:
            self._keep(drafts, batch)

    def _keep(self, drafts: list[Draft], batch: Batch | None) -> None:
        if batch is None:
            batches.store(drafts, own=is_own(self._app))
        else:
            batch.drafts.extend(drafts)

    def _evaluate(self, call: Call) -> None:
        """End a task that only hands on its arguments: running it would have the same effect."""
        index = call.kwargs.get("index")
        value = list(call.args) if index is None else call.args[index]
        draft = job_draft(self._app, call, Recognised(plain_topic(call.name), call.name))
        insert([replace(draft, kind=Kind.RELAY, hold=Hold.DEPENDENCY)])
        if replacements.succeed(call.id, value):
            joins.part(self._app, NodeResult(id=call.id, state="SUCCESS", value=value))

    def _result(self, call: Call, batch: Batch | None) -> AsyncResult[Any]:
        result = (call.options.get("result_cls") or self._app.AsyncResult)(call.id)
        result.ignored = bool(call.options.get("ignore_result"))
        parent: Any = self._app.current_worker_task
        if parent is not None and batch is None and call.options.get("add_to_parent", True):
            parent.add_trail(result)
        return result

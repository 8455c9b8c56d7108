"""Traces, errors and the context of logs, as docs/celery.md says; what is exported is in a file."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sentry_sdk
import structlog
from celery import shared_task
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from sentry_sdk.transport import Transport

from offload import OffloadTask, consumer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from sentry_sdk.envelope import Envelope

    from offload.worker.tasks.current_job import CurrentJob

PAGE = Path(__file__).resolve().parents[3] / "docs/celery.md"


def set_up(name: str) -> None:
    """Set one of them up in this process, and run what the page says of it."""
    if name == "OpenTelemetry":
        _keep_spans()
    if name == "Sentry":
        _keep_events()
    found = re.search(rf"^```python\n(# \S+: {name}\n.*?)^```$", PAGE.read_text(), re.M | re.S)
    assert found, f"{PAGE} has no example for {name}"
    # Its receivers live as long as this module: signals hold them weakly.
    exec(compile(found[1], str(PAGE), "exec"), globals())  # noqa: S102 - our own page


def _keep_spans() -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(Spans()))
    trace.set_tracer_provider(provider)


def _keep_events() -> None:
    sentry_sdk.init("http://nobody@127.0.0.1/1", transport=Events(), traces_sample_rate=1.0)


class Spans(SpanExporter):
    """An exporter of OpenTelemetry to the file."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Keep the names of spans, and how they hang together."""
        for span in spans:
            own = span.get_span_context()
            assert own
            above = span.parent.span_id if span.parent else None
            keep({"name": span.name, "trace": own.trace_id, "id": own.span_id, "above": above})
        return SpanExportResult.SUCCESS


class Events(Transport):
    """A transport of Sentry to the file."""

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep errors and transactions."""
        for item in envelope.items:
            if item.type in {"event", "transaction"}:
                keep(item.payload.json)


def file() -> Path:
    """Return the file."""
    return Path(os.environ["ACCEPTANCE_FOLDER"]) / "telemetry"


def keep(exported: Any) -> None:
    """Add a line to the file."""
    # One short write to a file opened for appending is never torn.
    with file().open("ab", buffering=0) as lines:
        lines.write(json.dumps(exported, default=str).encode() + b"\n")


@consumer("acc/context")
def context(job: CurrentJob) -> dict[str, Any]:
    """Return the context of this run's log lines; fail at the first attempt."""
    if job.attempt == 1:
        raise ValueError("not yet")
    return structlog.contextvars.get_contextvars()


@shared_task(base=OffloadTask, topic="acc/context/task")
def context_job(*before: Any) -> list[Any]:
    """Return the context of this run's log lines, after that of the steps before."""
    return [*(before[0] if before else []), structlog.contextvars.get_contextvars()]


@shared_task
def context_plain() -> dict[str, Any]:
    """Return the context of this run's log lines, as a plain task."""
    return structlog.contextvars.get_contextvars()

"""One job as text for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from rich.table import Table

from offload.core.progress import Progress
from offload.core.states import JobState
from offload.management import json_output
from offload.management.arguments import times
from offload.management.colours import coloured
from offload.management.narrow_table import listing
from offload.management.terminal import WIDE_COLUMNS, sanitized, table
from offload.queues import own_retries
from offload.reading import transfers
from offload.reading.jobs import history, logs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.text import Text

    from offload.core.job_log import LogLine
    from offload.models import Delivery, Job, PayloadFile
    from offload.reading.transfers import TransferLine
    from offload.reading.waiting.explanation import Explanation

ATTEMPT_HEADERS = ("attempt", "epoch", "instance", "started", "took", "outcome")
FOLDED = {"instance": 12, "error": 20}
STEP_HEADERS = ("step", "topic", "state", "instance")
GATE_HEADERS = ("gate", "now", "used", "again at", "to change it")
VERDICT_HEADERS = ("instance", "can run", "task", "why not")
DELIVERY_HEADERS = ("delivery", "to", "state", "failures", "error")
DELIVERY_FOLDS = {"delivery": 12, "to": 20, "error": 20}
TRANSFER_HEADERS = ("transfer", "", "by", "stage", "sent", "saved", "took", "tries", "error")
TRANSFER_FOLDS = {"transfer": 12, "error": 20}
LEVEL_STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}
#: Last lines of the log; ``offload logs`` shows all.
LINES_SHOWN = 10
FILE_HEADERS = ("file", "", "size", "type", "SHA-256")


def whole(job: Job, found: Explanation, width: int) -> Iterator[str | Text | Table]:
    """Yield the facts, attempts, steps, files and traceback of a job, as far as it has any."""
    yield facts(job, found)
    for part in parts(job, width):
        yield ""
        yield from part


def parts(job: Job, width: int) -> Iterator[Sequence[Text | Table]]:
    """Yield the parts that not every job has."""
    if tried := history.attempts(job):
        yield attempts(tried, width)
        if tried[-1].error_line != tried[-1].error and not job.traceback:
            yield [sanitized(tried[-1].error)]
    if steps := history.steps(job):
        yield [table(STEP_HEADERS, map(step_row, steps), fold={"topic": 12, "instance": 12})]
    if files := history.files(job):
        yield [
            table(FILE_HEADERS, map(file_row, files), fold={"file": 12, "type": 9, "SHA-256": 16})
        ]
    if found := history.deliveries(job):
        yield [table(DELIVERY_HEADERS, map(delivery_row, found), fold=DELIVERY_FOLDS)]
    if moved := transfers.of_job(job):
        yield [table(TRANSFER_HEADERS, map(transfer_row, moved), fold=TRANSFER_FOLDS)]
    if logged := logs.of(job.pk, most=LINES_SHOWN):
        yield [log_line(one) for one in logged[-1].lines]
    if job.traceback:
        yield [sanitized(job.traceback.rstrip(), "dim")]


def attempts(tried: Sequence[history.AttemptLine], width: int) -> Sequence[Text | Table]:
    """Return the attempts as a table, or in a narrow terminal as lines with errors below."""
    rows, errors = [attempt_row(one) for one in tried], [one.error_line for one in tried]
    if width < WIDE_COLUMNS:
        return listing(ATTEMPT_HEADERS, rows, below=errors, flexible="instance", width=width)
    pairs = zip(rows, errors, strict=True)
    return [
        table((*ATTEMPT_HEADERS, "error"), [(*row, error) for row, error in pairs], fold=FOLDED)
    ]


def facts(job: Job, found: Explanation) -> Table:
    """Return the facts of a job, one per line."""
    made = Table.grid(padding=(0, 2))
    for name, value in named(job, found):
        if value:
            made.add_row(
                sanitized(name, "dim"), value if not isinstance(value, str) else sanitized(value)
            )
    return made


def named(job: Job, found: Explanation) -> Iterator[tuple[str, str | Text]]:
    """Yield the facts with their names; the caller leaves empty ones out."""
    yield "job", job.pk
    yield "topic", f"{job.topic} (queue {job.queue})"
    yield "key", job.key
    yield "state", coloured(job.state)
    yield "", found.sentence
    yield "", sanitized(f"-> {found.next_step}", "bold") if found.next_step else ""
    yield "progress", progress(job)
    yield "submitted", times.moment(job.created_at)
    yield "not before", times.moment(job.run_at)
    yield "expires", times.moment(job.expires_at)
    yield "finished", times.moment(job.finished_at)
    yield "priority", str(job.priority or "")
    yield "own retries", as_json(job.options.get(own_retries.RETRY_OPTION))
    yield "raised", " ".join(history.raised_by_attempt(job).values())
    yield "properties", as_json(job.properties)
    yield "result", as_json(job.result)
    yield "run", str(job.run or "")
    yield "retry of", job.retry_of_id or ""
    yield "", asked_to_stop(job)


def asked_to_stop(job: Job) -> str:
    """Return that a job was asked to stop, unless its state says so."""
    if not job.stop_requested or job.state == JobState.STOPPED:
        return ""
    return "It was asked to stop" + (", and ended otherwise." if job.is_finished else ".")


def as_json(value: object) -> str:
    """Return a value as JSON on one line; "" if it is empty."""
    empty = value is None or value == {}
    return "" if empty else json_output.as_json(value, ensure_ascii=False)


def progress(job: Job) -> str:
    """Return a job's progress."""
    progress = Progress.read(job.progress)
    return str(progress) if progress else ""


def attempt_row(attempt: history.AttemptLine) -> tuple[object, ...]:
    """Return an attempt as cells of ``ATTEMPT_HEADERS``."""
    return (
        attempt.number,
        attempt.epoch,
        attempt.instance,
        times.moment(attempt.started_at),
        times.seconds(attempt.seconds),
        coloured(attempt.outcome or "ACTIVE"),
    )


def step_row(step: Job) -> tuple[object, ...]:
    """Return a step as cells of ``STEP_HEADERS``."""
    return step.pk, step.topic, coloured(step.state), step.instance


def file_row(file: PayloadFile) -> tuple[object, ...]:
    """Return a file as cells of ``FILE_HEADERS``."""
    way = "out" if file.is_output else "in"
    return file.name, way, filesizeformat(file.size), file.media_type, file.sha256


def transfer_row(line: TransferLine) -> tuple[object, ...]:
    """Return a transfer as cells of ``TRANSFER_HEADERS``."""
    return (
        line.name, "in" if line.direction == "input" else "out", line.transport, line.stage,
        filesizeformat(line.sent), filesizeformat(line.saved), times.seconds(line.seconds),
        line.tries or "", line.failure,
    )  # fmt: skip


def delivery_row(delivery: Delivery) -> tuple[object, ...]:
    """Return a delivery as cells of ``DELIVERY_HEADERS``."""
    return (
        delivery.name, delivery.place, delivery.state, delivery.failures or "", delivery.error
    )  # fmt: skip


def gates(found: Explanation) -> list[Table]:
    """Return a table with what each gate of the queue says, if it has any."""
    rows = [
        (
            one.gate,
            sanitized("open", "green") if one.is_open else sanitized("closed", "yellow"),
            one.fact,
            f"{timezone.localtime(one.again_at):%Y-%m-%d %H:%M:%S}" if one.again_at else "",
            one.change,
        )
        for one in found.gates
    ]
    fold = {"gate": 9, "used": 16, "to change it": 16}
    return [table(GATE_HEADERS, rows, fold=fold)] if rows else []


def verdicts(found: Explanation) -> list[Table]:
    """Return a table with the verdict on each instance, if there are any."""
    rows = [
        (
            one.instance,
            sanitized("yes", "green") if one.can_run else sanitized("no", "red"),
            one.task or "",
            " ".join(filter(None, (one.reason.detail if one.reason else "", one.there))),
        )
        for one in found.verdicts
    ]
    return (
        [table(VERDICT_HEADERS, rows, fold={"instance": 12, "task": 12, "why not": 20})]
        if rows
        else []
    )


def log_line(logged: LogLine) -> Text:
    """Return a line of a log."""
    made = sanitized(f"{timezone.localtime(logged.at):%H:%M:%S} ", "dim")
    made.append_text(sanitized(f"{logged.level} ", LEVEL_STYLES.get(logged.level, "dim")))
    made.append_text(sanitized(logged.text))
    return made


def line(job: Job) -> Text:
    """Return a changed job as one line."""
    made = sanitized(f"{timezone.localtime():%H:%M:%S} ")
    made.append_text(coloured(job.state))
    made.append_text(sanitized(f" on {job.instance}" if job.instance else ""))
    made.append_text(sanitized(f" for {job.home}" if job.home else ""))
    made.append_text(sanitized("".join(f", {one}" for one in remarks(job) if one)))
    return made


def remarks(job: Job) -> Iterator[str]:
    """Yield further facts about a changed job; some are empty."""
    yield f"attempt {job.attempts}" if job.attempts else ""
    if job.is_finished:
        yield job.error.partition("\n")[0]
        yield asked_to_stop(job)
        return
    yield f"handed over until {times.moment(job.handed_until)}" if job.is_handed_over else ""
    yield progress(job)
    yield f"not before {times.moment(job.run_at)}" if job.run_at else ""
    yield last_error(job).partition("\n")[0]
    yield "asked to stop" if job.stop_requested else ""


def last_error(job: Job) -> str:
    """Return the error of the last attempt if the job waits for another one."""
    if job.state != JobState.PENDING or not job.attempts:
        return ""
    return history.last_error(job)

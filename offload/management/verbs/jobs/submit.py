"""``submit``: store a job, and wait for its end if asked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from offload.core.validation.bounds import PRIORITY
from offload.management.arguments import (
    escalations,
    pairs,
    preferences,
    requirements,
    resources,
    times,
)
from offload.management.arguments.numbers import retry_options, whole
from offload.management.arguments.words import written
from offload.management.ending import end_lines, refuse_failure
from offload.management.job_json import whole_job
from offload.management.loading import explained
from offload.management.terminal import sanitized
from offload.management.verb import Options, Verb
from offload.operations.submission import submit
from offload.reading.waiting.explain import explain

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator
    from datetime import timedelta

    from rich.text import Text

    from offload.management.terminal import Terminal
    from offload.operations.handles import JobHandle


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `submit`."""
    parser.add_argument("topic", metavar="TOPIC", help="such as dam/rendition/web")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="single",
        help="a property; read as JSON if possible, otherwise as text",
    )  # fmt: skip
    parser.add_argument("--json-properties", metavar="OBJECT", help="properties as a JSON object")
    parser.add_argument(
        "--file", action="append", default=[], metavar="NAME=PATH", dest="files",
        help="a file that goes with the job",
    )  # fmt: skip
    parser.add_argument(
        "--queue", type=written, metavar="NAME", help="a queue other than the topic's"
    )
    parser.add_argument(
        "--priority", type=partial(whole, bound=PRIORITY), default=0, help="higher runs earlier"
    )
    parser.add_argument(
        "--delay", type=times.duration, metavar="5m", help="do not run before this time has passed"
    )
    parser.add_argument(
        "--expires", type=times.span, metavar="1h", help="expire unless begun by then"
    )
    retry_options(parser)
    placing(parser)
    parser.add_argument(
        "--key", metavar="KEY", help="the key by which its queue tells it apart from other jobs"
    )
    parser.add_argument(
        "--wait", action="store_true", help="wait for the end; exit code 1 if it failed"
    )
    parser.add_argument(
        "--timeout",
        type=times.duration,
        metavar="30s",
        help="wait no longer than this; exit code 2 if it has not ended",
    )


def placing(parser: ArgumentParser) -> None:
    """Add the arguments about the instance that runs the job."""
    requirements.add(parser)
    preferences.add(parser)
    escalations.add(parser)
    resources.add(parser)
    parser.add_argument(
        "--slots", type=pairs.value, metavar="N|all|OBJECT",
        help="how many places of its instance it takes: 2, all, or what it uses: "
        "'{\"ram_gb\": 8}'",
    )  # fmt: skip
    parser.add_argument(
        "--near", metavar="JOB", help="wait a moment for the instance of another job, by its id"
    )
    parser.add_argument(
        "--near-wait", type=times.duration, metavar="30s", help="for how long; then any may run it"
    )


def run(terminal: Terminal, options: Options) -> None:
    """Store the job; with --wait, raise CommandError if it failed."""
    handle = store(options)
    if not options["wait"] and options["timeout"] is None:
        facts = {"id": handle.id, "topic": options["topic"], "state": handle.state}
        stored = f"Job {handle.id} is stored. See: manage.py offload job {handle.id}"
        terminal.answer(facts, stored, *unable(handle, options["topic"]))
        return
    if not terminal.as_json:
        terminal.show(f"Job {handle.id} is stored; waiting for its end.")
    job = handle.wait(seconds(options["timeout"]))
    terminal.answer(whole_job(job), *end_lines(job))
    refuse_failure(job)


def unable(handle: JobHandle, topic: str) -> Iterator[Text]:
    """Yield that no known instance is able to run a job, and why; or the nearest known topic."""
    found = explained(lambda: explain(handle))
    if found.infeasible:
        found = explained(lambda: explain(topic))
    if found.infeasible or found.is_unmet:
        yield sanitized(found.sentence, "yellow")
    elif found.hint:
        yield sanitized(found.hint, "yellow")


def seconds(duration: timedelta | None) -> float | None:
    """Return a duration in seconds, or None without one."""
    return None if duration is None else duration.total_seconds()


def store(options: Options) -> JobHandle:
    """Store the job of the options."""
    names = ("queue", "key", "priority", "retries", "slots", "near")
    given: dict[str, Any] = {key: options[key] for key in names}
    given["requires"] = requirements.together(options["requires"])
    given["retry_with"] = escalations.together(options["retry_with"])
    given["prefers"] = preferences.together(options["prefers"])
    given["resources"] = resources.together(options["resources"])
    given |= {
        key: seconds(options[key]) for key in ("delay", "expires", "retry_delay", "near_wait")
    }
    return submit(
        options["topic"],
        pairs.properties(options["single"], options["json_properties"]),
        files=pairs.pairs("--file", options["files"]),
        **given,
    )


SUBMIT = Verb(name="submit", help="submit a job", arguments=arguments, run=run)

"""``explain``: which instances can run a topic or a job, and why not; or why a run waits."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from offload.management import job_text
from offload.management.loading import explained
from offload.management.terminal import sanitized
from offload.management.verb import Options, Verb
from offload.management.verbs.workflows import run_text
from offload.reading.runs import run_lines, run_page
from offload.reading.waiting.explain import explain

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.management.terminal import Terminal
    from offload.reading.runs.run_page import RunPage
    from offload.reading.waiting.explanation import Explanation


def arguments(parser: ArgumentParser) -> None:
    """Add the topic."""
    parser.add_argument(
        "topic", metavar="TOPIC", help="such as dam/rendition/web, or the id of a job or a run"
    )
    parser.add_argument(
        "--suggest", action="store_true",
        help="name the least change of rules, switches and limits that would place what waits",
    )  # fmt: skip


def run(terminal: Terminal, options: Options) -> None:
    """Show where a job, or one of the topic, would run, or why it waits; or why a run does."""
    row = run_lines.find(options["topic"])
    if row is not None:
        _explain_run(terminal, run_page.page(row))
        return
    subject, suggests = _subject(options["topic"]), options["suggest"]
    found = explained(lambda: explain(subject, suggest=suggests))
    sentence = f"Queue {found.queue}. {found.sentence}"
    step = [sanitized(f"-> {found.next_step}", "bold")] if found.next_step else []
    if suggests:
        step.append(sanitized(f"-> {_suggested(found)}", "bold"))
    tables = (*job_text.gates(found), *job_text.verdicts(found))
    terminal.answer(found.as_dict(), sentence, *step, *tables)


def _suggested(found: Explanation) -> str:
    if found.suggestion is not None:
        return found.suggestion.sentence
    if found.waiting is None:
        return "Nothing needs to be changed."
    return "No change of rules, switches or limits would place it."


def _subject(text: str) -> str | UUID:
    """Return the id of a job as one: as a text, it would be a topic."""
    try:
        return UUID(text)
    except ValueError:
        return text


def _explain_run(terminal: Terminal, page: RunPage) -> None:
    open_steps = [one for one in page.steps if not one.state.is_final]
    said = [f"{one.name}: {one.why or 'job ' + one.job + ' has not ended'}" for one in open_steps]
    said = said or [f"Nothing: it is {page.line.state}."]
    facts = {
        "run": page.line.id,
        "state": page.line.state,
        "steps": [
            {"name": one.name, "state": one.state, "why": one.why, "job": one.job}
            for one in open_steps
        ],
    }
    title = f"Run {page.line.id} of {page.line.workflow} waits for:"
    terminal.answer(facts, title, *map(sanitized, said), *run_text.to_decide(page))


EXPLAIN = Verb(
    name="explain",
    help="say which instances can run a topic now, and why the others cannot",
    arguments=arguments,
    run=run,
)

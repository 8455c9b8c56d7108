"""Changing jobs by a verb: those with some ids, or all that match a filter."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.management import CommandError

from offload.core.texts import counted
from offload.management.arguments import choosing, ids
from offload.management.arguments.numbers import positive
from offload.management.arguments.words import named, no_such_job, refuse_unknown
from offload.management.changing import previewable
from offload.management.terminal import sanitized
from offload.operations import bulk
from offload.operations.bulk import BulkResult, Changed
from offload.operations.changes import actors
from offload.reading.jobs.selection import as_of_now

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.text import Text

    from offload.management.terminal import Terminal
    from offload.management.verb import Options
    from offload.models.jobs import JobQuerySet
    from offload.operations.bulk import Refused, Which

#: Maximum number of jobs named one by one; more are counted.
JOBS_NAMED_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkAction:
    """A change that a verb makes to jobs, with its texts."""

    #: The verb, such as ``stop``.
    name: str
    #: Changes the chosen jobs, at most that many.
    apply: Callable[..., BulkResult]
    #: Limits a queryset to the jobs that it can change.
    able: Callable[[JobQuerySet], JobQuerySet]
    #: Says why other jobs cannot be changed.
    unable: str
    #: The sentence about one changed job.
    one: Callable[[Changed], str]
    #: The sentence about many changed jobs in the same state.
    many: Callable[[int, str], str]


def arguments(parser: ArgumentParser, *, state: str) -> None:
    """Add the arguments that choose jobs: ids or filters."""
    parser.add_argument(
        "ids", type=named, metavar="ID", nargs="*", help="an id, or enough of its beginning or end"
    )
    choosing.filters(parser, state)
    parser.add_argument(
        "--limit", type=positive, metavar="N", help="at most this many, oldest first"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask first")
    parser.add_argument("--note", default="", help="the reason, for the record of changes")
    previewable(parser)


def change(terminal: Terminal, options: Options, action: BulkAction, *, state: str) -> None:
    """Change the chosen jobs and report the outcome.

    Raise CommandError if no job was chosen, or if a job named by its id was refused.
    """
    if bool(options["ids"]) == choosing.is_narrowed(options):
        raise CommandError(_unclear(action.name))
    if options["ids"]:
        which: Which = ids.all_whole(options["ids"])
        most = options["limit"] or bulk.JOBS_PER_REQUEST
        found = action.apply(which, most=most, dry_run=options["dry_run"], **_by(options))
    else:
        found = _change_all(terminal, options, action, state)
        if not (found.changed or found.refused or found.left):
            refuse_unknown(options)
    lines = lines_of(found, action, lambda: _nothing(options, action, state))
    if options["dry_run"]:
        terminal.answer({**facts(found), "dry_run": True}, *_previewed(found, action, lines))
    else:
        terminal.answer(facts(found), *lines)
    if found.refused and options["ids"]:
        raise CommandError("\n".join(refusals(found.refused)))


def _by(options: Options) -> dict[str, object]:
    return {"by": actors.at_terminal(), "note": options["note"]}


def _unclear(verb: str) -> str:
    return (
        "Say which jobs: either ids, or what they have in common. "
        f"Write: manage.py offload {verb} ID, or: manage.py offload {verb} --topic 'dam/**'"
    )


def _change_all(terminal: Terminal, options: Options, action: BulkAction, state: str) -> BulkResult:
    """Change all that are there now, one bounded request after the other."""
    # Later jobs, among them the retries themselves, must not match.
    which, count = as_of_now(_meant(options, state), action.able)
    limit = min(options["limit"] or count, count)
    if options["dry_run"]:
        return action.apply(which, most=min(bulk.JOBS_PER_REQUEST, limit), dry_run=True)
    if limit and not options["yes"]:
        confirm(terminal, f"{action.name} {limit} of {count} jobs?".capitalize(), action.name)
    changed: list[Changed] = []
    refused: list[Refused] = []
    left = count
    while left and len(changed) < limit:
        most = min(bulk.JOBS_PER_REQUEST, limit - len(changed))
        found = action.apply(which, most=most, **_by(options))
        changed += found.changed
        refused += found.refused
        left = found.left
        if not found.changed:
            break
    return BulkResult(changed=tuple(changed), refused=tuple(refused), left=left)


def _meant(options: Options, state: str) -> JobQuerySet:
    meant = options if options["state"] else {**options, "state": choosing.states(state)}
    return choosing.narrowed(meant)


def _nothing(options: Options, action: BulkAction, state: str) -> str:
    """Return why nothing was changed: no job matches, or none can be changed."""
    count = _meant(options, state).count()
    if not count:
        return no_such_job(options)
    alike = counted(count, "job is", "jobs are")
    return f"{alike} like this, and none is left to {action.name}: {action.unable}."


def confirm(terminal: Terminal, question: str, verb: str) -> None:
    """Ask for confirmation; raise CommandError unless the answer is yes, or without a terminal."""
    if terminal.as_json or not terminal.console.is_terminal:
        raise CommandError(f"{question} Nothing was changed. To {verb} without a question: --yes")
    if terminal.console.input(sanitized(f"{question} [y/N] ")).strip().lower() not in {"y", "yes"}:
        raise CommandError("Nothing was changed.")


def facts(found: BulkResult) -> dict[str, object]:
    """Return the outcome as JSON values."""
    return {
        "changed": [
            {"id": one.id, "state": one.state, "retried_as": one.retried_as or None}
            for one in found.changed
        ],
        "refused": [
            {"id": one.id, "state": one.state, "reason": one.reason} for one in found.refused
        ],
        "left": found.left,
    }


def lines_of(
    found: BulkResult, action: BulkAction, none: Callable[[], str]
) -> Iterator[str | Text]:
    """Yield the outcome as text for people."""
    if len(found.changed) <= JOBS_NAMED_MAX:
        yield from map(action.one, found.changed)
    else:
        states = Counter(one.state.value for one in found.changed)
        yield from (action.many(count, state) for state, count in sorted(states.items()))
    if found.left:
        left = counted(
            found.left, "more is left; repeat the command", "more are left; repeat the command"
        )
        yield sanitized(f"{left}.", "yellow")
    elif not found.changed and not found.refused:
        yield none()


def _previewed(
    found: BulkResult, action: BulkAction, otherwise: Iterable[str | Text]
) -> Iterator[str | Text]:
    """Yield the jobs that would be changed, as they are; ``otherwise`` where there is none."""
    if not found.changed:
        yield from otherwise
        return
    count = counted(len(found.changed), "job", "jobs")
    yield sanitized(f"Nothing was changed. This would {action.name} {count}:", "yellow")
    if len(found.changed) <= JOBS_NAMED_MAX:
        yield from (f"Job {one.id} is {one.state}." for one in found.changed)
    else:
        states = Counter(one.state.value for one in found.changed)
        yield from (
            f"{counted(many, 'job is', 'jobs are')} {state}."
            for state, many in sorted(states.items())
        )
    if found.left:
        yield sanitized(f"{counted(found.left, 'more is', 'more are')} left.", "yellow")


def refusals(refused: Sequence[Refused]) -> Iterator[str]:
    """Yield why jobs were not changed, one line each, and how many more there are."""
    yield from (f"Job {one.id:.255}: {one.reason}" for one in refused[:JOBS_NAMED_MAX])
    if len(refused) > JOBS_NAMED_MAX:
        yield counted(len(refused) - JOBS_NAMED_MAX, "more was refused.", "more were refused.")

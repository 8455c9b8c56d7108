"""Jobs changed by a verb: those of some ids, or all that have something in common."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.management import CommandError
from django.db.models import Count, Max

from offload.core.texts import counted
from offload.management.arguments import choosing, ids
from offload.management.arguments.numbers import positive
from offload.management.arguments.words import named, no_such_job, refuse_unknown
from offload.management.terminal import plain
from offload.operations import bulk
from offload.operations.bulk import BulkResult, Changed

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Iterator, Sequence

    from rich.text import Text

    from offload.management.terminal import Terminal
    from offload.management.verb import Options
    from offload.models.jobs import JobQuerySet
    from offload.operations.bulk import Refused, Which

#: Jobs that are named one by one; more of them are counted.
NAMED_JOBS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """A change that a verb makes to jobs."""

    #: The verb itself, such as ``stop``.
    name: str
    #: Changes what is meant, so many at most.
    act: Callable[[Which, int], BulkResult]
    #: Narrows a question down to what it can change.
    able: Callable[[JobQuerySet], JobQuerySet]
    #: What is true of jobs that it cannot change.
    unable: str
    #: Says what became of one job.
    one: Callable[[Changed], str]
    #: Says what became of so many that are in this state now.
    many: Callable[[int, str], str]


def arguments(parser: ArgumentParser, *, state: str) -> None:
    """Take ids, or what the jobs have in common."""
    parser.add_argument(
        "ids", type=named, metavar="ID", nargs="*", help="an id, or enough of its beginning or end"
    )
    choosing.filters(parser, state)
    parser.add_argument(
        "--limit", type=positive, metavar="N", help="at most this many, oldest first"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask first")


def change(terminal: Terminal, options: Options, deed: Deed, *, state: str) -> None:
    """Do it to the jobs that are meant, and say what became of them.

    Raise CommandError where nothing says which are, or where one that was named was refused.
    """
    if bool(options["ids"]) == choosing.is_narrowed(options):
        raise CommandError(_unclear(deed.name))
    if options["ids"]:
        which: Which = ids.all_whole(options["ids"])
        found = deed.act(which, options["limit"] or bulk.JOBS_PER_REQUEST)
    else:
        found = _change_all(terminal, options, deed, state)
        if not (found.changed or found.refused or found.left):
            refuse_unknown(options)
    terminal.answer(facts(found), *told(found, deed, lambda: _nothing(options, deed, state)))
    if found.refused and options["ids"]:
        raise CommandError("\n".join(refusals(found.refused)))


def _unclear(verb: str) -> str:
    return (
        "Say which jobs: either ids, or what they have in common. "
        f"Write: manage.py offload {verb} ID, or: manage.py offload {verb} --topic 'dam/**'"
    )


def _change_all(terminal: Terminal, options: Options, deed: Deed, state: str) -> BulkResult:
    """Change all that are there now, one bounded request after the other."""
    which = _meant(options, state)
    seen = deed.able(which).aggregate(count=Count("pk"), newest=Max("created_at"))
    count = seen["count"]
    if count:
        # What comes meanwhile, the retries among it, is not meant.
        which = which.filter(created_at__lte=seen["newest"])
    limit = min(options["limit"] or count, count)
    if limit and not options["yes"]:
        confirm(terminal, f"{deed.name} {limit} of {count} jobs?".capitalize(), deed.name)
    changed: list[Changed] = []
    refused: list[Refused] = []
    left = count
    while left and len(changed) < limit:
        found = deed.act(which, min(bulk.JOBS_PER_REQUEST, limit - len(changed)))
        changed += found.changed
        refused += found.refused
        left = found.left
        if not found.changed:
            break
    return BulkResult(changed=tuple(changed), refused=tuple(refused), left=left)


def _meant(options: Options, state: str) -> JobQuerySet:
    meant = options if options["state"] else {**options, "state": choosing.states(state)}
    return choosing.narrowed(meant)


def _nothing(options: Options, deed: Deed, state: str) -> str:
    """Return why nothing was changed: no job is like this, or none that can be changed."""
    count = _meant(options, state).count()
    if not count:
        return no_such_job(options)
    alike = counted(count, "job is", "jobs are")
    return f"{alike} like this, and none is left to {deed.name}: {deed.unable}."


def confirm(terminal: Terminal, question: str, verb: str) -> None:
    """Ask; raise CommandError where the answer is not yes, or nobody is there to give it."""
    if terminal.as_json or not terminal.console.is_terminal:
        raise CommandError(f"{question} Nothing was changed. To {verb} without a question: --yes")
    if terminal.console.input(plain(f"{question} [y/N] ")).strip().lower() not in {"y", "yes"}:
        raise CommandError("Nothing was changed.")


def facts(found: BulkResult) -> dict[str, object]:
    """Return what became of the jobs as JSON values."""
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


def told(found: BulkResult, deed: Deed, none: Callable[[], str]) -> Iterator[str | Text]:
    """Yield the same for people."""
    if len(found.changed) <= NAMED_JOBS:
        yield from map(deed.one, found.changed)
    else:
        states = Counter(one.state.value for one in found.changed)
        yield from (deed.many(count, state) for state, count in sorted(states.items()))
    if found.left:
        left = counted(
            found.left, "more is left; ask again for it", "more are left; ask again for them"
        )
        yield plain(f"{left}.", "yellow")
    elif not found.changed and not found.refused:
        yield none()


def refusals(refused: Sequence[Refused]) -> Iterator[str]:
    """Yield why jobs were not changed, a line each, and how many more there are."""
    yield from (f"Job {one.id:.255}: {one.reason}" for one in refused[:NAMED_JOBS])
    if len(refused) > NAMED_JOBS:
        yield counted(len(refused) - NAMED_JOBS, "more was refused.", "more were refused.")

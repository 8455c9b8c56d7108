"""Which jobs are meant: by their ids, or by what they have in common."""

from __future__ import annotations

from argparse import ArgumentTypeError
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.db.models import Q

from offload.core.nearness import did_you_mean
from offload.core.states import FAILED, FINAL, WAITING, JobState
from offload.core.topics import Pattern
from offload.fleet.snapshots import now
from offload.management.arguments import times, words
from offload.models import Job

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping

    from offload.management.verb import Options
    from offload.models.jobs import JobQuerySet

#: States that are asked for together; every other name means exactly the state of that name.
STATE_GROUPS: Mapping[str, frozenset[JobState]] = MappingProxyType(
    {
        "waiting": WAITING,
        "open": frozenset(JobState) - FINAL,
        "failed": FAILED,
        "ended": FINAL,
    }
)
#: What narrows the jobs down, by the names of the options.
FILTERS = ("state", "topic", "queue", "instance", "error", "since")


def filters(parser: ArgumentParser, state: str = "") -> None:
    """Take what jobs have in common; ``state`` is meant where no other one is written."""
    usually = f" (else {state})" if state else ""
    parser.add_argument(
        "--state", type=states, metavar="STATE",
        help=f"a state or several, with commas: {', '.join(one.lower() for one in JobState)}; or "
        "waiting (pending, queued), open (not ended), failed (given_up, error, expired), ended"
        f"{usually}",
    )  # fmt: skip
    parser.add_argument(
        "--topic", type=words.written, metavar="PATTERN", help="a topic, or a pattern in quotes"
    )
    parser.add_argument("--queue", type=words.written, metavar="NAME", help="in this queue")
    parser.add_argument(
        "--instance", type=words.written, metavar="NAME", help="where it is, or was"
    )
    parser.add_argument(
        "--error",
        type=words.written,
        metavar="TEXT",
        help="with this text in the error or its type",
    )
    parser.add_argument(
        "--since", type=times.span, metavar="1h", help="submitted or ended within this time"
    )


def states(text: str) -> frozenset[JobState]:
    """Read states and groups of them; raise ArgumentTypeError for a name that is neither."""
    found: frozenset[JobState] = frozenset()
    for name in text.lower().split(","):
        if name not in STATE_GROUPS and name.upper() not in set(JobState):
            known = [*(one.lower() for one in JobState), *STATE_GROUPS]
            near = did_you_mean(name, known)
            told = f"{name!r:.60} is not a state; write one of {', '.join(known)}."
            raise ArgumentTypeError(told + near)
        found |= STATE_GROUPS[name] if name in STATE_GROUPS else {JobState(name.upper())}
    return found


def is_narrowed(options: Options) -> bool:
    """Tell whether anything was written that jobs have in common."""
    return any(options[name] is not None for name in FILTERS)


def narrowed(options: Options) -> JobQuerySet:
    """Return the jobs that the options ask for."""
    jobs: JobQuerySet = Job.objects.all()
    if options["state"]:
        jobs = jobs.filter(state__in=sorted(options["state"]))
    if options["topic"]:
        jobs = jobs.of_topic(Pattern.parse(options["topic"]))
    exact = {name: options[name] for name in ("queue", "instance") if options[name]}
    if text := options["error"]:
        jobs = jobs.filter(Q(error__icontains=text) | Q(error_type__icontains=text))
    if options["since"]:
        since = now() - options["since"]
        jobs = jobs.filter(Q(created_at__gte=since) | Q(finished_at__gte=since))
    return jobs.filter(**exact)

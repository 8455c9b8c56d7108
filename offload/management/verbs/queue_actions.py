"""Changes of queues: ``manage.py offload queues add|set|suspend|resume|remove``."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from django.core.management import CommandError

from offload.core.policies import QueueType
from offload.core.validation import bounds
from offload.management.arguments import times
from offload.management.arguments.numbers import FOREVER, number, retry_options, whole
from offload.management.arguments.words import named, one_of, written_as
from offload.management.terminal import plain
from offload.management.verb import Choices, general
from offload.management.verbs.rule_actions import noted
from offload.queues import policies

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.management.terminal import Terminal
    from offload.management.verb import Options
    from offload.models import Queue

DAY = timedelta(days=1)
#: Fields of a queue by the names of the options that set them.
QUEUE_FIELDS = (
    "type",
    "max_parallel",
    "retries",
    "retry_delay",
    "backoff",
    "retention_days",
    "ranking",
)
NONE_WORD = "none"


def arguments(parser: ArgumentParser) -> None:
    """Take an action, or nothing for the list."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    for name, told, take in (
        ("add", "make a queue for topics", _policy),
        ("set", "change a queue: what is not written stays", _policy),
        ("suspend", "bind nothing more of a queue; its jobs are accepted and wait", _suspended),
        ("resume", "bind the jobs of a queue again", _named),
        ("remove", "remove a queue: its jobs go on by the default policy", _named),
    ):
        one = actions.add_parser(name, help=told, description=told, allow_abbrev=False)
        general(one)
        take(one)
        _refuse_alike(one, parser)
    actions.choices = Choices(actions, kind="action", help_of="offload queues")


def _refuse_alike(parser: ArgumentParser, verb: ArgumentParser) -> None:
    """Let an action's words be refused as the verb's are, where programs read the errors."""
    usual = parser.error

    def refuse(message: str) -> NoReturn:
        # Set on the verb's parser itself for programs only.
        (verb.error if "error" in vars(verb) else usual)(message)

    parser.error = refuse  # type: ignore[method-assign]


def _named(parser: ArgumentParser) -> None:
    parser.add_argument("name", type=named, metavar="NAME", help="of the queue")


def _suspended(parser: ArgumentParser) -> None:
    _named(parser)
    noted(parser)


def _policy(parser: ArgumentParser) -> None:
    _named(parser)
    parser.add_argument(
        "patterns", metavar="PATTERN", nargs="*", help="its topics, such as 'dam/**' (in quotes)"
    )
    parser.add_argument(
        "--type", type=one_of(QueueType), metavar=written_as(QueueType),
        help="ordered runs one job at a time, in the order of submission",
    )  # fmt: skip
    parser.add_argument(
        "--limit", dest="max_parallel", type=_limit, metavar="N",
        help="how many jobs may run at once in the whole cluster, or none",
    )  # fmt: skip
    retry_options(parser)
    parser.add_argument(
        "--backoff",
        type=partial(number, bound=bounds.BACKOFF),
        metavar="N",
        help="multiply the delay by this after each retry",
    )
    parser.add_argument(
        "--keep",
        dest="retention_days",
        type=_days,
        metavar="30d",
        help="how long to keep history, or forever",
    )
    parser.add_argument(
        "--ranking",
        type=partial(whole, bound=bounds.RANKING),
        metavar="N",
        help="of the queues that match a topic, the highest wins",
    )


def _limit(text: str) -> int | str:
    return NONE_WORD if text == NONE_WORD else whole(text, bounds.PARALLEL)


def _days(text: str) -> int | str:
    if text == FOREVER:
        return FOREVER
    days, rest = divmod(times.duration(text), DAY)
    if rest or not days:
        raise ArgumentTypeError(f"{text!r:.60} is not whole days; write 30d, or forever")
    return days


def run(terminal: Terminal, options: Options) -> None:
    """Change a queue and say what became of it."""
    name, action = options["name"], options["action"]
    if action == "add":
        told(terminal, add(name, options), "is made")
        return
    queue = policies.find(name)
    if action == "remove":
        policies.refuse_declared(queue)
        policies.remove([queue])
        told(terminal, queue, "is removed: its jobs go on by the default policy")
    elif action == "set":
        told(terminal, queue, "is changed", recalled=policies.change(queue, **changes(options)))
    else:
        switch(terminal, queue, options)


def add(name: str, options: Options) -> Queue:
    """Make a queue; raise CommandError where it would take no topic."""
    if not options["patterns"]:
        raise CommandError(f"Write its topics: manage.py offload queues add {name} 'dam/**'")
    fields = changes(options)
    return policies.add(name, fields.pop("topics"), **fields)


def switch(terminal: Terminal, queue: Queue, options: Options) -> None:
    """Suspend a queue or resume it."""
    off = options["action"] == "suspend"
    recalled = policies.suspend([queue], suspended=off, note=options.get("note"))
    said = "is suspended: its jobs are accepted and wait, what runs ends" if off else "is resumed"
    told(terminal, queue, said, recalled=recalled)


def changes(options: Options) -> dict[str, Any]:
    """Return the fields that the options set; raise CommandError where there is none."""
    found = {name: options[name] for name in QUEUE_FIELDS if options[name] is not None}
    if options["patterns"]:
        found["topics"] = options["patterns"]
    if not found:
        raise CommandError("Say what to change, such as: --limit 2. See: --help")
    if "retry_delay" in found:
        found["retry_delay"] = found["retry_delay"].total_seconds()
    return {name: None if value in (NONE_WORD, FOREVER) else value for name, value in found.items()}


def told(terminal: Terminal, queue: Queue, said: str, *, recalled: int = 0) -> None:
    """Say what became of a queue, and of its jobs that were bound and had not begun."""
    left = policies.left_behind(queue)
    back = [f"Jobs that had not begun were taken back: {recalled}."] if recalled else []
    facts = {"queue": queue.name, "suspended": queue.suspended, "recalled": recalled}
    terminal.answer(
        {**facts, "elsewhere": left},
        plain(f"Queue {queue.name} {said}."),
        *back,
        *(
            plain(f"Submitted before, they stay in queue {name} and go by it: {count}.", "yellow")
            for name, count in sorted(left.items())
        ),
    )

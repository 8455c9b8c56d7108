"""Changes of queues: ``manage.py offload queues add|set|suspend|resume|remove``."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from django.core.management import CommandError

from offload.core.policies import ClusterOrder
from offload.core.validation import bounds
from offload.management.arguments import (
    error_names,
    queue_keys,
    queue_placement,
    queue_times,
    times,
)
from offload.management.arguments.numbers import FOREVER, number, retry_options, whole
from offload.management.arguments.words import named, one_of, written_as
from offload.management.changing import carry_out, previewable
from offload.management.terminal import sanitized
from offload.management.verb import Choices, general, refuse_alike
from offload.management.verbs.rule_actions import noted
from offload.operations.changes import wording
from offload.operations.changes.queues import (
    AddQueue,
    ChangeQueue,
    DrainQueue,
    DropWaiting,
    RemoveQueue,
    ResumeQueue,
    SuspendQueue,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Mapping

    from offload.management.changing import Shown
    from offload.management.terminal import Terminal
    from offload.management.verb import Options
    from offload.operations.changes.change import Change
    from offload.operations.changes.queues import QueueOutcome

#: A change, and what is said of the queue once it is made.
Asked: TypeAlias = "tuple[Change[QueueOutcome], str]"
DAY = timedelta(days=1)
#: Fields of a queue, by the option that sets them.
QUEUE_FIELDS = (
    "type",
    "max_parallel",
    "max_per_instance",
    "max_per_host",
    "key",
    "max_per_key",
    "fair",
    "weights",
    "rate",
    "burst",
    "windows",
    "time_zone",
    "ageing",
    "cluster_order",
    "requires",
    "prefers",
    "retry_with",
    "leader_only",
    "prefer_creation_instance",
    "resources",
    "retries",
    "retry_delay",
    "backoff",
    "retry_on",
    "no_retry_on",
    "rerun",
    "rescue",
    "rescue_seconds",
    "retention_days",
    "ranking",
)
NONE_WORD = "none"


def arguments(parser: ArgumentParser) -> None:
    """Add the actions; without one, the verb lists the queues."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    for name, about, take in (
        ("add", "make a queue for topics", _policy),
        ("set", "change a queue; options that are left out keep their values", _policy),
        ("suspend", "suspend a queue: its jobs are accepted and wait", _suspended),
        ("drain", "run what a queue has; what comes waits until it is resumed", _suspended),
        ("drop", "drop what waits in a queue: those jobs never run", _suspended),
        ("resume", "resume a queue", _named),
        ("remove", "remove a queue: its jobs follow the default policy", _named),
    ):
        one = actions.add_parser(name, help=about, description=about, allow_abbrev=False)
        general(one)
        take(one)
        previewable(one)
        refuse_alike(one, parser)
    actions.choices = Choices(actions, kind="action", help_of="offload queues")


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
        "--limit", dest="max_parallel", type=_limit, metavar="N",
        help="how many jobs may run at once in the whole cluster, or none",
    )  # fmt: skip
    queue_keys.add(parser)
    queue_times.add(parser)
    parser.add_argument(
        "--cluster-order", type=one_of(ClusterOrder), metavar=written_as(ClusterOrder),
        help="whom its jobs go to first, where instances of other clusters may run them too",
    )  # fmt: skip
    queue_placement.add(parser)
    retry_options(parser)
    parser.add_argument(
        "--backoff",
        type=partial(number, bound=bounds.BACKOFF),
        metavar="N",
        help="multiply the delay by this after each retry",
    )
    error_names.add(parser)
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
    """Change a queue and report the outcome."""
    change, sentence = ACTIONS[options["action"]](options["name"], options)
    carry_out(terminal, options, change, partial(_shown, sentence))


def add(name: str, options: Options) -> Asked:
    """Return the change that makes a queue; raise CommandError without a topic."""
    if not options["patterns"]:
        raise CommandError(f"Write its topics: manage.py offload queues add {name} 'dam/**'")
    fields = changes(options)
    return AddQueue(name=name, topics=tuple(fields.pop("topics")), fields=fields), "is made"


def suspend(name: str, options: Options) -> Asked:
    """Return the change that suspends a queue."""
    sentence = "is suspended: new jobs are accepted and wait, running ones finish"
    return SuspendQueue(name=name, note=options["note"]), sentence


#: The change of each action, and its sentence.
ACTIONS: Mapping[str, Callable[[str, Options], Asked]] = MappingProxyType(
    {
        "add": add,
        "set": lambda name, options: (
            ChangeQueue(name=name, fields=changes(options)),
            "is changed",
        ),
        "suspend": suspend,
        "drain": lambda name, options: (
            DrainQueue(name=name, note=options["note"]),
            "drains: what is there runs, and what comes waits until it is resumed",
        ),
        "drop": lambda name, options: (
            DropWaiting(name=name, note=options["note"] or ""),
            "keeps what has begun; what waited is dropped",
        ),
        "resume": lambda name, _: (ResumeQueue(name=name), "is resumed"),
        "remove": lambda name, _: (
            RemoveQueue(name=name),
            "is removed: its jobs follow the default policy",
        ),
    }
)


def changes(options: Options) -> dict[str, Any]:
    """Return the fields that the options set; raise CommandError if there are none."""
    found = {name: options[name] for name in QUEUE_FIELDS if options[name] is not None}
    if options["patterns"]:
        found["topics"] = options["patterns"]
    if not found:
        raise CommandError("Say what to change, such as: --limit 2. See: --help")
    if "retry_delay" in found:
        found["retry_delay"] = found["retry_delay"].total_seconds()
    if isinstance(found.get("ageing"), timedelta):
        found["ageing"] = found["ageing"].total_seconds()
    for part in (queue_times, queue_keys, queue_placement, error_names):
        found.update(part.read(found))
    return {name: None if value in (NONE_WORD, FOREVER) else value for name, value in found.items()}


def _shown(sentence: str, found: QueueOutcome) -> Shown:
    """Return the outcome of a change, and how many unstarted jobs were taken back."""
    queue = found.queue
    facts = {
        "queue": queue.name, "suspended": queue.suspended, "drains": queue.drains,
        "recalled": found.recalled, "dropped": found.dropped, "left": found.left,
    }  # fmt: skip
    return {**facts, "elsewhere": dict(found.elsewhere)}, [
        sanitized(f"Queue {queue.name} {sentence}."),
        *wording.taken_back(found.recalled),
        *([sanitized(found.sentence, "yellow")] if found.dropped or found.left else ()),
        *(sanitized(text, "yellow") for text in found.notes),
    ]

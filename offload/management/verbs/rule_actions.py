"""``allow``, ``deny`` and ``exclusive``: set which topics instances may run."""

from __future__ import annotations

from functools import partial
from shlex import quote
from typing import TYPE_CHECKING

from offload.core.nearness import did_you_mean
from offload.core.peers.rule_requests import RequestAction, cluster_and_node
from offload.core.placement.topology import RuleVerb, Scope
from offload.fleet.snapshots import snapshot
from offload.management import asking_peers
from offload.management.arguments import expiry
from offload.management.arguments.words import one_of, written_as
from offload.management.changing import carry_out, previewable
from offload.management.terminal import Terminal, sanitized
from offload.management.verb import Options, Verb
from offload.operations.changes import wording
from offload.operations.changes.rules import MakeExclusive, WriteRules

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator

    from rich.text import Text

    from offload.management.changing import Shown
    from offload.models import Rule
    from offload.operations.changes.rules import RulesOutcome


def arguments(parser: ArgumentParser, *, patterns: str = "+", or_else: str = "") -> None:
    """Add an instance and patterns; ``or_else`` names the alternative in the help."""
    about = f"its nodename, such as render@gpu1; of another cluster, render/gpu1@host{or_else}"
    parser.add_argument("target", metavar="INSTANCE", help=about)
    parser.add_argument(
        "patterns",
        metavar="PATTERN",
        nargs=patterns,
        help="a/b exactly, 'a/*' one more segment, 'a/**' one or more, '**' everything (in quotes)",
    )
    previewable(parser)
    asking_peers.kept_here(parser)


def scoped(parser: ArgumentParser, **kwargs: str) -> None:
    """Add an instance and patterns, and the scope."""
    arguments(parser, **kwargs)
    parser.add_argument(
        "--scope",
        type=one_of(Scope),
        metavar=written_as(Scope),
        default=Scope.INSTANCE.value,
        help="how to read INSTANCE: as a nodename, a glob of nodenames, or a label",
    )


def noted(parser: ArgumentParser) -> None:
    """Add the note."""
    parser.add_argument("--note", help="the reason, shown wherever the rule takes effect")


def termed(parser: ArgumentParser) -> None:
    """Add the scope, the end and the note of a rule."""
    scoped(parser)
    noted(parser)
    expiry.add(parser)


def exclusively(parser: ArgumentParser) -> None:
    """Add an instance, patterns and the note."""
    arguments(parser)
    noted(parser)


def rule(terminal: Terminal, options: Options, *, verb: RuleVerb) -> None:
    """Write a rule for each pattern, all of them or none; or ask another cluster for it."""
    if asking_peers.is_asked(options["target"], options):
        asking_peers.ask(terminal, options, RequestAction(verb.value))
        return
    change = WriteRules(
        verb=verb,
        target=options["target"],
        patterns=tuple(options["patterns"]),
        scope=options["scope"],
        until=expiry.of(options),
        note=options["note"],
    )
    carry_out(terminal, options, change, partial(_of_rules, dry_run=options["dry_run"]))


def _of_rules(found: RulesOutcome, *, dry_run: bool) -> Shown:
    denied_by = list(map(facts, found.narrowed_by))
    return {**written(found, dry_run=dry_run), "denied_by": denied_by}, list(lines(found))


def exclusive(terminal: Terminal, options: Options) -> None:
    """Make the patterns the instance's allow list, or ask another cluster for it."""
    if asking_peers.is_asked(options["target"], options):
        asking_peers.ask(terminal, options, RequestAction.EXCLUSIVE)
        return
    change = MakeExclusive(
        instance=options["target"], patterns=tuple(options["patterns"]), note=options["note"]
    )
    carry_out(terminal, options, change, partial(_of_exclusive, dry_run=options["dry_run"]))


def _of_exclusive(found: RulesOutcome, *, dry_run: bool) -> Shown:
    others = [
        {**facts(one), "effect": effect, "next_step": ending(one)} for one, effect in found.others
    ]
    removed = list(map(facts, found.removed))
    facts_of_all = {**written(found, dry_run=dry_run), "removed": removed, "others": others}
    return facts_of_all, list(lines(found))


def written(found: RulesOutcome, *, dry_run: bool) -> dict[str, object]:
    """Return rules, the instances that they name and the denies they lift as JSON values."""
    # A rule that is not stored has no id.
    unknown = {"id": None} if dry_run else {}
    return {
        "rules": [{**facts(one), **unknown} for one in found.written],
        "instances": list(found.reached),
        "replaced": list(map(facts, found.lifted.replaced)),
        "resting": list(map(facts, found.lifted.resting)),
    }


def lines(found: RulesOutcome) -> Iterator[str | Text]:
    """Yield rules that were written, and what they mean for others."""
    yield from map(wording.described, found.written)
    yield in_force(found)
    for text in found.lifting:
        yield sanitized(text, "yellow")
    for one, effect in found.others:
        yield sanitized(f"{wording.other(one, effect)} To end it: {ending(one)}", "yellow")


def ending(rule: Rule) -> str:
    """Return the command that clears a rule."""
    scope = "" if rule.scope == Scope.INSTANCE else f" --scope {rule.scope}"
    here = " --here" if not scope and cluster_and_node(rule.target)[0] else ""
    return f"manage.py offload clear {quote(rule.target)} {quote(rule.pattern)}{scope}{here}"


def facts(rule: Rule) -> dict[str, object]:
    """Return a rule as JSON values."""
    return {
        "id": rule.pk,
        "verb": rule.verb,
        "scope": rule.scope,
        "target": rule.target,
        "pattern": rule.pattern,
        "until": rule.until,
        "rests_until": rule.rests_until,
        "note": rule.note,
    }


def in_force(found: RulesOutcome) -> str | Text:
    """Return the instances that the rules name."""
    if found.reached:
        return f"In force on {', '.join(found.reached)}."
    topology, made = snapshot().topology, found.written[0]
    names = {
        Scope.INSTANCE: [one.name for one in topology.live],
        Scope.LABEL: [label for one in topology.live for label in one.labels],
    }
    meant = did_you_mean(made.target, names.get(Scope(made.scope), []))
    return sanitized(f"No instance here matches; the rule waits for one.{meant}", "yellow")


ALLOW = Verb(
    name="allow",
    help="let an instance run topics; with such a rule it may run nothing else",
    arguments=termed,
    run=partial(rule, verb=RuleVerb.ALLOW),
)
DENY = Verb(
    name="deny",
    help="forbid an instance some topics, whatever allows them",
    arguments=termed,
    run=partial(rule, verb=RuleVerb.DENY),
)
EXCLUSIVE = Verb(
    name="exclusive",
    help="make these patterns the allow list of an instance; other rules stay, and are named",
    arguments=exclusively,
    run=exclusive,
)

"""``allow``, ``deny`` and ``exclusive``: what instances may run."""

from __future__ import annotations

from argparse import ArgumentTypeError
from functools import partial
from shlex import quote
from typing import TYPE_CHECKING

from django.core.management import CommandError

from offload.core.nearness import did_you_mean
from offload.core.placement.judgement import noted as with_note
from offload.core.placement.topology import RuleVerb, Scope
from offload.fleet import rules
from offload.fleet.row_values import rule_of
from offload.fleet.rule_effects import Overruled, narrowing
from offload.fleet.snapshots import now, snapshot
from offload.management.arguments import times
from offload.management.arguments.words import one_of, written_as
from offload.management.terminal import Terminal, plain
from offload.management.verb import Options, Verb

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator, Sequence

    from rich.text import Text

    from offload.models import Rule

GLOB = "*?["
LESS = "keeps it from some of that"
#: Characters of the longest note, and of the longest target.
NOTE = 255


def arguments(parser: ArgumentParser, *, patterns: str = "+", or_else: str = "") -> None:
    """Take an instance and patterns; ``or_else`` says what else may be written."""
    told = f"its nodename, such as render@gpu1{or_else}"
    parser.add_argument("target", metavar="INSTANCE", help=told)
    parser.add_argument(
        "patterns",
        metavar="PATTERN",
        nargs=patterns,
        help="a/b exactly, 'a/*' one more segment, 'a/**' one or more, '**' everything (in quotes)",
    )


def scoped(parser: ArgumentParser, **kwargs: str) -> None:
    """Take an instance and patterns, and how the instances are named."""
    arguments(parser, **kwargs)
    parser.add_argument(
        "--scope",
        type=one_of(Scope),
        metavar=written_as(Scope),
        default=Scope.INSTANCE.value,
        help="how to read INSTANCE: as a nodename, a glob of nodenames, or a label",
    )


def noted(parser: ArgumentParser) -> None:
    """Take the reason."""
    parser.add_argument("--note", type=note, help="the reason, for people who look later")


def note(text: str) -> str:
    """Read a note; raise ArgumentTypeError for one that is too long to be kept."""
    if len(text) > NOTE:
        raise ArgumentTypeError(f"a note has at most {NOTE} characters, this one {len(text)}")
    return text


def termed(parser: ArgumentParser) -> None:
    """Take how the instances are named, for how long the rule holds, and why."""
    scoped(parser)
    noted(parser)
    parser.add_argument(
        "--for",
        dest="duration",
        type=times.span,
        metavar="30m",
        help="expire after this long: 90s, 30m, 1h30m, 2d",
    )


def exclusively(parser: ArgumentParser) -> None:
    """Take an instance, patterns and the reason."""
    arguments(parser)
    noted(parser)


def rule(terminal: Terminal, options: Options, *, verb: RuleVerb) -> None:
    """Write a rule for each pattern, all of them or none."""
    check_target(options["target"], options["scope"])
    check_patterns(options["patterns"])
    until = now() + options["duration"] if options["duration"] else None
    fields = {"scope": options["scope"], "until": until, "note": options["note"]}
    wrote = rules.write(verb, options["target"], options["patterns"], **fields)
    made, overruled = wrote.rules, wrote.lifted
    concerned = reached(made)
    is_allow = verb is RuleVerb.ALLOW and options["scope"] == Scope.INSTANCE
    beaten = narrowing(options["target"], options["patterns"]) if is_allow else []
    terminal.answer(
        {**written(made, concerned), **as_facts(overruled), "denied_by": list(map(facts, beaten))},
        *map(line, made),
        in_force(made, concerned),
        *told(overruled),
        *(plain(other(one, LESS), "yellow") for one in beaten),
    )


def as_facts(overruled: Overruled) -> dict[str, object]:
    """Return denies that were lifted as JSON values."""
    return {
        "replaced": [facts(one) for one in overruled.replaced],
        "resting": [facts(one) for one in overruled.resting],
    }


def told(overruled: Overruled) -> Iterator[Text]:
    """Yield which denies are gone, and which hold again later."""
    for one in overruled.replaced:
        yield plain(f"It replaces: {with_note(line(one), one.note)}", "yellow")
    for one in overruled.resting:
        again = f"{one} rests until {times.moment(one.rests_until)} and holds again then"
        yield plain(with_note(again, one.note), "yellow")


def exclusive(terminal: Terminal, options: Options) -> None:
    """Make the patterns all that the instance may run."""
    check_target(options["target"], Scope.INSTANCE)
    check_patterns(options["patterns"])
    made = rules.exclusive(options["target"], options["patterns"], note=options["note"])
    found = [(one, "lets it run more") for one in made.widened_by]
    found += [(one, LESS) for one in made.narrowed_by]
    concerned = reached(made.rules)
    others = [{**facts(one), "effect": effect, "next_step": ending(one)} for one, effect in found]
    terminal.answer(
        {**written(made.rules, concerned), "others": others},
        *map(line, made.rules),
        in_force(made.rules, concerned),
        *(plain(other(one, effect), "yellow") for one, effect in found),
    )


def other(rule: Rule, effect: str) -> str:
    """Return what another rule does to an instance, and how to end it."""
    return f"But {line(rule)} ({rule.scope}) {effect}. To end it: {ending(rule)}"


def ending(rule: Rule) -> str:
    """Return the command that clears a rule."""
    scope = "" if rule.scope == Scope.INSTANCE else f" --scope {rule.scope}"
    return f"manage.py offload clear {quote(rule.target)} {quote(rule.pattern)}{scope}"


def check_target(target: str, scope: str) -> None:
    """Raise CommandError for a name that is none."""
    if not target:
        raise CommandError("The name of the instance is empty; write one, such as render@gpu1.")
    if len(target) > NOTE:
        told = f"{target!r:.60} has {len(target)} characters, {NOTE} are allowed."
        raise CommandError(f"{told} Write a nodename, a glob or a label.")
    if scope == Scope.INSTANCE and any(sign in target for sign in GLOB):
        raise CommandError(f"{target!r} is a glob of nodenames. Add: --scope glob")


def check_patterns(patterns: Sequence[str]) -> None:
    """Raise CommandError for none at all; the parser takes a second ``--`` for one."""
    if not patterns:
        raise CommandError("There is no pattern; write one, such as 'dam/**'.")


def reached(made: Sequence[Rule]) -> list[str]:
    """Return the instances that are here and that the rules name."""
    live = snapshot(fresh=True).topology.live
    return [one.name for one in live if any(rule_of(rule).applies_to(one) for rule in made)]


def written(made: Sequence[Rule], concerned: Sequence[str]) -> dict[str, object]:
    """Return rules and whom they concern as JSON values."""
    return {"rules": [facts(rule) for rule in made], "instances": list(concerned)}


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


def line(rule: Rule) -> str:
    """Return a rule as a line."""
    return f"{rule}{f' until {times.moment(rule.until)}' if rule.until else ''}"


def in_force(made: Sequence[Rule], concerned: Sequence[str]) -> str | Text:
    """Return whom the rules concern."""
    if concerned:
        return f"In force on {', '.join(concerned)}."
    topology = snapshot().topology
    names = {
        Scope.INSTANCE: [one.name for one in topology.live],
        Scope.LABEL: [label for one in topology.live for label in one.labels],
    }
    meant = did_you_mean(made[0].target, names.get(Scope(made[0].scope), []))
    return plain(f"No instance here matches; the rule waits for one.{meant}", "yellow")


ALLOW = Verb(
    name="allow",
    help="let an instance run topics; with such a rule it may run nothing else",
    arguments=termed,
    run=partial(rule, verb=RuleVerb.ALLOW),
)
DENY = Verb(
    name="deny",
    help="keep topics from an instance, whatever allows them",
    arguments=termed,
    run=partial(rule, verb=RuleVerb.DENY),
)
EXCLUSIVE = Verb(
    name="exclusive",
    help="make these patterns the allow list of an instance; other rules stay, and are named",
    arguments=exclusively,
    run=exclusive,
)

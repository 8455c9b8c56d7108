"""Generates docs/commands.md from the verbs' own help: ``python docs/commands.py``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HERE = Path(__file__).resolve().parent
PAGE = HERE / "commands.md"

INTRODUCTION = """\
# Commands

`manage.py offload VERB` shows and controls the cluster. This page is generated from the verbs' own
help (`python docs/commands.py`), which `manage.py offload VERB --help` shows too.

- **For programs**: every verb takes `--json`. The answer is JSON on standard output, an error is a
  line of JSON on standard error: `error`, `type` and `exit_code`.
- **Exit codes**: 0 done, 1 failed or refused, 2 not ended in time, or misspelled, 130 interrupted.
- **Ids** of jobs may be shortened to a beginning or an end of at least 4 characters that no other
  job has. A terminal of fewer than 120 columns shows their ends.
- **Durations** are written 90s, 30m, 1h30m or 2d; a number alone is seconds.
- **Patterns** and globs are written in quotes, so that the shell leaves them alone.
- **Changes** of rules, switches and queues are recorded with the user of the operating system;
  `changes` and the admin list them.
- **`--dry-run`**: every verb that changes something says what it would do, and does not do it.
- **Many jobs**: `stop`, `retry` and `remove` take ids, or what the jobs have in common. Then they
  say how many jobs are meant and ask first; `--yes` answers. What cannot be changed is named with
  the reason, and what is left beyond `--limit` is counted.
"""

EXAMPLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "launch": ("launch scans/may/*.txt --dry-run", "launch /srv/scans/1.txt --under /srv"),
        "launchers": (
            "launchers",
            "launchers add photos 'photos/**' dam/update-asset --include 'image/*'",
            "launchers edit photos --set width=1280 --dry-run",
            "launchers off --note 'moving the archive'",
        ),
        "status": ("status", "status --json"),
        "instances": ("instances --long", "instances render/gpu1@host"),
        "peers": (
            "peers",
            "peers send render off --note 'the link is full'",
            "peers accept off --all --dry-run",
            "peers move render reset",
            "peers requests render --open",
            "peers withdraw 7",
        ),
        "queues": (
            "queues add render 'dam/rendition/*' --limit 2 --retries 3 --retry-delay 30s",
            "queues set render --limit none --keep 30d",
            "queues suspend render --note 'the licence server moves'",
        ),
        "rules": ("rules --instance render@gpu1",),
        "payload": (
            "payload verify --storage default",
            "payload prune --orphans --older-than 2d --dry-run",
        ),
        "logs": ("logs 59c8ab1f211a", "logs 59c8 --follow"),
        "transfers": ("transfers", "transfers 59c8ab1f211a --json"),
        "workflows": (
            "workflows",
            "workflows dam/update-asset",
            "workflows dam/update-asset --mermaid",
        ),
        "runs": (
            "runs --state FAILED",
            "runs start dam/update-asset --file original=photo.jpg --timeout 1m",
            "runs skip 59c8ab1f211a dam/rendition/web --note 'not needed'",
            "runs restart 59c8ab1f211a --dry-run",
        ),
        "changes": ("changes --of render@gpu1 --since 1d",),
        "explain": ("explain dam/rendition/web",),
        "submit": (
            "submit dam/rendition/web --set width=1280 --file original=photo.jpg --wait",
            "submit dam/rendition/web --delay 5m --retries 0",
        ),
        "jobs": ("jobs --state failed --since 1h", "jobs --topic 'dam/**' --error TimeoutError"),
        "job": ("job 59c8ab1f211a", "job 59c8ab1f211a --follow"),
        "stop": ("stop 59c8ab1f211a --force", "stop --topic 'dam/**' --state waiting --yes"),
        "retry": ("retry 59c8ab1f211a", "retry --topic 'dam/**' --since 1h --limit 10"),
        "remove": ("remove --queue render --state pending",),
        "deliver": ("deliver 59c8ab1f211a", "deliver --since 1d --yes"),
        "allow": ("allow gpu 'render/*' --scope label",),
        "deny": (
            "deny web@b 'dam/**' --for 30m --note 'the disk is full'",
            "deny render/gpu1@host 'dam/**' --dry-run",
            "deny render/gpu1@host 'dam/**' --here",
        ),
        "clear": ("clear web@b 'dam/**'",),
        "exclusive": ("exclusive gpu@c 'render/*'",),
        "off": ("off web@b --note 'driver update'", "off render/gpu1@host"),
        "on": ("on web@b",),
        "broker": ("broker --directory var/broker",),
    }
)


def rendered() -> str:
    """Return the page."""
    from offload.management.verbs import VERBS

    parts = [INTRODUCTION]
    for verb in VERBS.values():
        parser = argparse.ArgumentParser(prog=f"manage.py offload {verb.name}", add_help=False)
        verb.arguments(parser)
        parts.append("\n".join(section(verb.name, verb.help, parser)))
    return "\n".join(parts)


def section(name: str, told: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield a verb's part of the page as lines."""
    yield f"## {name}\n"
    yield f"{told[0].upper()}{told[1:]}.\n"
    if examples := EXAMPLES.get(name):
        yield "```console"
        yield from (f"$ manage.py offload {one}" for one in examples)
        yield "```\n"
    yield from table(parser)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from subsections(name, action)


def subsections(name: str, action: argparse._SubParsersAction) -> Iterator[str]:  # type: ignore[type-arg]
    """Yield the parts of a verb's actions."""
    for made in action._choices_actions:
        yield f"### {name} {made.dest}\n"
        yield f"{made.help[0].upper()}{made.help[1:]}.\n" if made.help else ""
        yield from table(action.choices[made.dest])


def table(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield arguments and options as lines of a table; nothing where there are none."""
    rows = [row for row in map(row_of, parser._actions) if row]
    if rows:
        yield "| argument | meaning |"
        yield "|---|---|"
        yield from rows
        yield ""


def row_of(action: argparse.Action) -> str:
    """Return an argument as a line of a table; nothing for what every verb takes."""
    if isinstance(action, argparse._SubParsersAction | argparse._HelpAction):
        return ""
    if action.help == argparse.SUPPRESS or action.dest == "as_json":
        return ""
    told = (action.help or "").replace("%(default)s", str(action.default)).replace("|", "\\|")
    return f"| `{written(action)}` | {told} |"


def written(action: argparse.Action) -> str:
    """Return how an argument is written."""
    value = action.metavar or ("{" + ",".join(action.choices) + "}" if action.choices else None)
    if not action.option_strings:
        many = {"*": f"[{value} …]", "+": f"{value} …"}
        return many.get(str(action.nargs), str(value))
    takes_value = action.nargs != 0
    return " ".join(
        [action.option_strings[0], *([str(value or action.dest.upper())] * takes_value)]
    )


def main() -> None:
    """Write the page."""
    import django

    sys.path.insert(0, str(HERE.parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    PAGE.write_text(rendered())


if __name__ == "__main__":
    main()

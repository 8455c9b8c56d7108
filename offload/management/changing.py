"""Changes of rules, switches and queues by a verb: applied and recorded, or only previewed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeVar

from offload.management.terminal import Terminal, sanitized
from offload.operations.changes import actors, wording
from offload.operations.changes.change_outcomes import Outcome

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Sequence

    from rich.text import Text

    from offload.management.verb import Options
    from offload.operations.changes.change import Change
    from offload.operations.changes.previewing import Preview

OutcomeT = TypeVar("OutcomeT", bound=Outcome)
#: An outcome as JSON values, and for people.
Shown: TypeAlias = "tuple[dict[str, object], Sequence[str | Text]]"


def previewable(parser: ArgumentParser) -> None:
    """Let a verb say what it would do."""
    parser.add_argument("--dry-run", action="store_true", help="change nothing; show the effects")


def carry_out(
    terminal: Terminal,
    options: Options,
    change: Change[OutcomeT],
    show: Callable[[OutcomeT], Shown],
) -> None:
    """Apply a change, or preview it, and say what it came to."""
    if options["dry_run"]:
        _preview(terminal, change.preview(), show)
        return
    facts, lines = show(change.apply(actors.at_terminal()))
    terminal.answer(facts, *lines)


def _preview(
    terminal: Terminal, found: Preview[OutcomeT], show: Callable[[OutcomeT], Shown]
) -> None:
    facts, lines = show(found.outcome)
    terminal.answer(
        {**facts, "dry_run": True, "preview": as_facts(found)},
        sanitized("Nothing was changed. With this change:", "yellow"),
        *lines,
        *wording.previewed(found),
    )


def as_facts(found: Preview[OutcomeT]) -> dict[str, object]:
    """Return the effects of a change as JSON values."""
    permissions = found.permissions
    return {
        "opened": [{"instance": one.instance, "topic": one.topic} for one in permissions.opened],
        "closed": [{"instance": one.instance, "topic": one.topic} for one in permissions.closed],
        "stranded": list(permissions.stranded),
        "moved": [
            {"topic": topic, "from": old, "to": new} for topic, (old, new) in found.moved.items()
        ],
        "fates": [one.as_dict() for one in found.fates],
        "waiting": found.waiting,
        "recalled": found.outcome.recalled,
    }

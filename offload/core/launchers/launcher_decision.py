"""The decision which launchers start their workflow for a file that arrived."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from offload.core.workflows.conditions import fits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from offload.core.launchers.paths import PathPattern


class LaunchEvent(enum.StrEnum):
    """The ways by which a file arrives."""

    #: By a call of ``launch``, or by the verb.
    GIVEN = "given"
    #: Saved in a field of a model.
    SAVED = "saved"
    #: Found in a watched folder.
    FOUND = "found"


#: The event of a launcher that takes files however they arrive.
ANY_EVENT = "any"

EVENT_WORDS: Mapping[LaunchEvent, str] = {
    LaunchEvent.GIVEN: "given by a call or a command",
    LaunchEvent.SAVED: "saved in a model's field",
    LaunchEvent.FOUND: "found in a watched folder",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileArrival:
    """A file that arrived; None for a fact that is not known."""

    path: str
    event: LaunchEvent
    #: Bytes.
    size: int | None = None
    media_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LauncherRule:
    """A launcher as a value."""

    name: str
    pattern: PathPattern
    workflow: str
    #: A LaunchEvent, or ANY_EVENT.
    event: str = ANY_EVENT
    #: Media types, in which ``*`` and ``?`` are wildcards; those to exclude are asked first.
    exclude: tuple[str, ...] = ()
    #: No such type means all.
    include: tuple[str, ...] = ()
    #: Bytes.
    size_min: int | None = None
    size_max: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    #: The name of the file in the run; "" for the workflow's only input, or ``original``.
    input_name: str = ""
    #: Whether files with the content of a job's output are taken, too.
    takes_outputs: bool = False
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchVerdict:
    """The verdict whether a launcher starts its workflow for a file."""

    rule: LauncherRule
    #: Why not; "" if it does.
    problem: str = ""

    @property
    def starts(self) -> bool:
        """Tell whether it starts its workflow."""
        return not self.problem


def verdicts(rules: Iterable[LauncherRule], arrival: FileArrival) -> tuple[LaunchVerdict, ...]:
    """Return the verdict of each launcher, in order.

    Of those that fit, the ones with the most specific pattern start; several with equal ones
    all do.
    """
    asked = list(rules)
    problems = {rule.name: why_not(rule, arrival) for rule in asked}
    fitting = [rule for rule in asked if not problems[rule.name]]
    nearest = max(fitting, key=lambda rule: rule.pattern.specificity, default=None)
    for rule in fitting:
        if nearest and rule.pattern.specificity != nearest.pattern.specificity:
            problems[rule.name] = f"{nearest.name} is nearer: {nearest.pattern}"
    return tuple(LaunchVerdict(rule=rule, problem=problems[rule.name]) for rule in asked)


def why_not(rule: LauncherRule, arrival: FileArrival) -> str:
    """Say why a launcher does not fit a file; return "" if it does. Unknown facts fit."""
    if not rule.enabled:
        return "it is not enabled"
    if rule.event not in {ANY_EVENT, arrival.event}:
        return f"the file is {EVENT_WORDS[arrival.event]}"
    if not rule.pattern.matches(arrival.path):
        return f"the path does not match {rule.pattern}"
    return _size_problem(rule, arrival.size) or _type_problem(rule, arrival.media_type)


def _size_problem(rule: LauncherRule, size: int | None) -> str:
    if size is not None and rule.size_min is not None and size < rule.size_min:
        return f"it has {size} bytes, fewer than {rule.size_min}"
    if size is not None and rule.size_max is not None and size > rule.size_max:
        return f"it has {size} bytes, more than {rule.size_max}"
    return ""


def _type_problem(rule: LauncherRule, media_type: str | None) -> str:
    if media_type is None:
        return ""
    if fits(media_type, rule.exclude):
        return f"{media_type} is excluded"
    if rule.include and not fits(media_type, rule.include):
        return f"{media_type} is not included"
    return ""

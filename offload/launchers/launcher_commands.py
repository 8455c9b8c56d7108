"""The commands that make launchers what they were: said with each change that people may regret."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from offload.core.launchers.launcher_decision import ANY_EVENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from offload.models import Launcher

#: The word for an empty value.
NONE_WORD = "none"
#: The options of fields with one value.
OPTIONS = {
    "event": "--event", "pattern": "--pattern", "workflow": "--workflow",
    "size_min": "--size-min", "size_max": "--size-max", "input_name": "--input-name",
}  # fmt: skip
#: The options of fields with several values.
LISTS = {"exclude": "--exclude", "include": "--include"}
#: The values of a launcher of which nothing was said.
USUAL: Mapping[str, Any] = {
    "event": ANY_EVENT, "exclude": [], "include": [], "size_min": None, "size_max": None,
    "parameters": {}, "input_name": "", "takes_outputs": False, "enabled": True,
}  # fmt: skip
#: The options that unset and set a field that is true or false.
FLAGS = {
    "takes_outputs": ("--no-takes-outputs", "--takes-outputs"),
    "enabled": ("--disabled", "--enabled"),
}
POSITIONAL = ("pattern", "workflow")


def making(row: Launcher) -> str:
    """Return the command that makes a launcher like this one."""
    said = {
        name: getattr(row, name) for name, usual in USUAL.items() if getattr(row, name) != usual
    }
    given = [getattr(row, name) for name in POSITIONAL]
    return command("add", row.name, *map(str, given), options=_words(said, {}))


def undoing(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return the command that gives fields of a launcher their values from before; "" for none."""
    changed = {key: value for key, value in before.items() if after[key] != value}
    if not changed:
        return ""
    if changed.keys() == {"enabled"}:
        return command("enable" if changed["enabled"] else "disable", name)
    return command("edit", name, options=_words(changed, after))


def command(action: str, *given: str, options: Iterable[str] = ()) -> str:
    """Return a command about launchers, for a shell."""
    is_odd = any(one.startswith("-") for one in given)
    words = [*options, "--", *given] if is_odd else [*given, *options]
    return f"manage.py offload launchers {action} {shlex.join(words)}"


def _words(fields: Mapping[str, Any], instead: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options that set fields, where ``instead`` are the values that they have."""
    for name, value in fields.items():
        if name in OPTIONS:
            yield from _option(OPTIONS[name], NONE_WORD if value is None else str(value))
        elif name in LISTS:
            for one in value or [NONE_WORD]:
                yield from _option(LISTS[name], str(one))
        elif name == "parameters":
            yield from _parameters(value, instead.get("parameters") or {})
        elif name in FLAGS:
            yield FLAGS[name][bool(value)]


def _parameters(value: Mapping[str, Any], instead: Mapping[str, Any]) -> Iterator[str]:
    for key, one in value.items():
        if key not in instead or instead[key] != one:
            yield from _option("--set", f"{key}={json.dumps(one, ensure_ascii=False)}")
    for key in instead:
        if key not in value:
            yield from _option("--unset", key)


def _option(name: str, value: str) -> tuple[str, ...]:
    """Return an option's words; a value with a dash is no option if it is in the same word."""
    return (f"{name}={value}",) if value.startswith("-") else (name, value)

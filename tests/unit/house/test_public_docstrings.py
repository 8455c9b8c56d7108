"""Everything in the reference names its parameters, and the errors that it raises itself."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from offload.core import exceptions
from offload.core.exceptions import InvalidTopic
from tests.unit.house.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

DIRECTIVE = re.compile(
    r"^\.\. (currentmodule|autofunction|autodecorator|autoclass):: ([\w.]+)\n((?:   :.*\n)*)",
    re.MULTILINE,
)
MEMBERS = re.compile(r"   :(no-members|exclude-members|members):(.*)\n")


def documented() -> Iterator[tuple[str, Any]]:
    """Yield the functions and methods of the reference, with their names."""
    home = ""
    for kind, name, options in DIRECTIVE.findall((ROOT / "docs/reference.md").read_text()):
        if kind == "currentmodule":
            home = name
            continue
        found = getattr(import_module(home), name)
        if kind != "autoclass":
            yield f"{home}.{name}", found
            continue
        yield from methods(f"{home}.{name}", found, dict(MEMBERS.findall(options)))


def methods(name: str, found: type, members: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield the methods and properties of a class that its page shows."""
    hidden = re.findall(r"\w+", members.get("exclude-members", ""))
    shown = re.findall(r"\w+", members.get("members", ""))
    for key, value in vars(found).items():
        function = getattr(value, "fget", None) or getattr(value, "__func__", value)
        is_left_out = key.startswith("_") or key in hidden or (shown and key not in shown)
        if inspect.isfunction(function) and not is_left_out and "no-members" not in members:
            yield f"{name}.{key}", function


DOCUMENTED = dict(documented())
ERRORS = {name for name in vars(exceptions) if inspect.isclass(getattr(exceptions, name))}


def unnamed_parameters(function: Any) -> list[str]:
    """Return the parameters that a docstring does not name."""
    said = inspect.getdoc(function) or ""
    names = [name for name in inspect.signature(function).parameters if name not in {"self", "cls"}]
    return [name for name in names if not re.search(rf"``{name}\b", said)]


def unnamed_errors(function: Any) -> list[str]:
    """Return offload's errors that the code itself raises and the docstring does not name."""
    said = inspect.getdoc(function) or ""
    code = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    raised = [node.exc for node in ast.walk(code) if isinstance(node, ast.Raise) and node.exc]
    names = [ast.unparse(one.func if isinstance(one, ast.Call) else one) for one in raised]
    return [name for name in names if name in ERRORS and name not in said]


def test_the_reference_is_read() -> None:
    assert {"offload.submit", "offload.JobHandle.wait", "offload.topology.Listener.stop"} < set(
        DOCUMENTED
    )
    assert "offload.topology.TopologyView.retire" not in DOCUMENTED


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_public_function_names_its_parameters(name: str) -> None:
    assert unnamed_parameters(DOCUMENTED[name]) == []


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_public_function_names_the_errors_that_it_raises(name: str) -> None:
    assert unnamed_errors(DOCUMENTED[name]) == []


def test_what_is_not_named_would_be_seen() -> None:
    def ask(named: str, other: str) -> None:
        """Ask about ``named``."""
        raise InvalidTopic(topic=named, problem=other)

    assert unnamed_parameters(ask) == ["other"]
    assert unnamed_errors(ask) == ["InvalidTopic"]


def test_every_error_is_in_the_reference() -> None:
    text = (ROOT / "docs/reference.md").read_text()
    assert [name for name in exceptions.__all__ if f".. autoexception:: {name}\n" not in text] == []

"""Each room has one door: its ``__all__`` names what other rooms use of it, and nothing else."""

from __future__ import annotations

import ast
from collections import defaultdict

import pytest

from tests.unit.house.source import files, imported, tree

#: Rooms whose ``__all__`` is documented for sites; beside it, ``FOR_ROOMS`` is for other rooms.
FOR_SITES = {"offload.embedded", "offload.testing", "offload.topology", "offload.workflows"}
LISTS = ("__all__", "FOR_ROOMS")
#: Rooms that Django finds by their place.
FOUND_BY_DJANGO = {
    "offload.admin",
    "offload.checks",
    "offload.migrations",
    "offload.templatetags",
}

ROOMS = sorted(
    name
    for name, path in files().items()
    if name.count(".") == 1 and path.name == "__init__.py" and name not in FOUND_BY_DJANGO
)


def door(room: str) -> set[str]:
    """Return the names that a room gives to others."""
    found: set[str] = set()
    for node in tree(files()[room]).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in LISTS:
            found.update(ast.literal_eval(node.value))
    return found


def used() -> dict[str, set[str]]:
    """Return what is imported of each room from outside: modules, or names of the room itself."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, path in (files() | files("project")).items():
        for target in imported(path):
            parts = target.split(".")
            room = ".".join(parts[:2])
            if len(parts) > 2 and room in ROOMS and not f"{name}.".startswith(f"{room}."):
                found[room].add(parts[2])
    return found


USED = used()


def test_there_are_rooms_and_they_are_used() -> None:
    assert len(ROOMS) > 15
    assert "bindings" in USED["offload.tracking"]
    assert "hooks" in USED["offload.canvas"]


@pytest.mark.parametrize("room", ROOMS)
def test_others_use_what_the_door_names(room: str) -> None:
    assert USED[room] - door(room) == set(), f"Add these to __all__ of {room}, or use its door."


@pytest.mark.parametrize("room", sorted(set(ROOMS) - FOR_SITES))
def test_the_door_names_what_others_use(room: str) -> None:
    assert door(room) - USED[room] == set(), f"Remove these from __all__ of {room}: nobody does."

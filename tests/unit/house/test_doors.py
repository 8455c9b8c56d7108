"""Each room has one door: its ``__all__`` names what other rooms use of it, and nothing else."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache

import pytest

from tests.unit.house.source import files, imported, tree

#: Rooms whose ``__all__`` is documented for sites; beside it, ``FOR_ROOMS`` is for other rooms.
FOR_SITES = {
    "offload.embedded",
    "offload.launchers",
    "offload.testing",
    "offload.topology",
    "offload.workflows",
}
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
    """Return the names that a room, or a part of one, gives to others."""
    found: set[str] = set()
    for node in tree(files()[room]).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in LISTS:
            found.update(ast.literal_eval(node.value))
    return found


#: Parts of a room that have a door of their own.
PARTS = sorted(name for name in files() if name.startswith("offload.reading.") and door(name))


@cache
def used() -> dict[str, set[str]]:
    """Return the modules and names of each room or part that are imported from outside."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, path in (files() | files("project")).items():
        for target in imported(path):
            parts = target.split(".")
            for depth in (2, 3):
                place = ".".join(parts[:depth])
                is_outside = not f"{name}.".startswith(f"{place}.")
                if len(parts) > depth and place in {*ROOMS, *PARTS} and is_outside:
                    found[place].add(parts[depth])
    return found


def test_there_are_rooms_and_they_are_used() -> None:
    assert len(ROOMS) > 15
    assert "binding" in used()["offload.tracking"]
    assert "hooks" in used()["offload.canvas"]
    assert len(PARTS) > 2


@pytest.mark.parametrize("room", [*ROOMS, *PARTS])
def test_others_use_what_the_door_names(room: str) -> None:
    assert used()[room] - door(room) == set(), f"Add these to __all__ of {room}, or use its door."


@pytest.mark.parametrize("room", sorted({*ROOMS, *PARTS} - FOR_SITES))
def test_the_door_names_what_others_use(room: str) -> None:
    assert door(room) - used()[room] == set(), f"Remove these from __all__ of {room}: nobody does."

"""Which launchers start for a file, and why not the others."""

from __future__ import annotations

from typing import Any

import pytest

from offload.core.launchers.launcher_decision import (
    FileArrival,
    LauncherRule,
    LaunchEvent,
    verdicts,
)
from offload.core.launchers.parameter_facts import filled
from offload.core.launchers.paths import PathPattern


def rule(name: str = "one", pattern: str = "a/**", **facts: Any) -> LauncherRule:
    """Return a launcher."""
    return LauncherRule(name=name, pattern=PathPattern.parse(pattern), workflow="w", **facts)


def arrived(path: str = "a/b.jpg", **facts: Any) -> FileArrival:
    """Return a JPEG of ten bytes that was given."""
    known: dict[str, Any] = {"event": LaunchEvent.GIVEN, "size": 10, "media_type": "image/jpeg"}
    return FileArrival(path=path, **{**known, **facts})


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({}, ""),
        ({"event": "given"}, ""),
        ({"event": "found"}, "the file is given by a call or a command"),
        ({"enabled": False}, "it is not enabled"),
        ({"pattern": "b/**"}, "the path does not match b/**"),
        ({"include": ("image/*",)}, ""),
        ({"include": ("video/*", "IMAGE/JPEG")}, ""),
        ({"include": ("video/*",)}, "image/jpeg is not included"),
        ({"include": ("image/*",), "exclude": ("image/jpeg",)}, "image/jpeg is excluded"),
        ({"size_min": 10, "size_max": 10}, ""),
        ({"size_min": 11}, "it has 10 bytes, fewer than 11"),
        ({"size_max": 9}, "it has 10 bytes, more than 9"),
    ],
)
def test_each_condition_has_its_reason(facts: dict[str, Any], problem: str) -> None:
    [found] = verdicts([rule(**facts)], arrived())

    assert found.problem == problem
    assert found.starts is (problem == "")


def test_what_is_not_known_fits() -> None:
    [found] = verdicts(
        [rule(size_min=99, include=("video/*",))], arrived(size=None, media_type=None)
    )

    assert found.starts


def test_the_nearest_of_those_that_fit_start() -> None:
    rules = [
        rule("far", "**"), rule("near", "a/*"), rule("same", "a/*"),
        rule("nearest", "a/*.jpg", exclude=("image/jpeg",)),
    ]  # fmt: skip

    found = {one.rule.name: one.problem for one in verdicts(rules, arrived())}

    assert found == {
        "far": "near is nearer: a/*",
        "near": "",
        "same": "",
        "nearest": "image/jpeg is excluded",
    }


def test_facts_of_the_file_stand_for_their_names() -> None:
    given = {"path": "$path", "all": ["$folder", {"of": "$name"}], "type": "$media_type", "n": 1}

    assert filled({**given, "text": "in $folder"}, "a/b/c.jpg", "image/jpeg") == {
        "path": "a/b/c.jpg",
        "all": ["a/b", {"of": "c.jpg"}],
        "type": "image/jpeg",
        "n": 1,
        "text": "in $folder",
    }

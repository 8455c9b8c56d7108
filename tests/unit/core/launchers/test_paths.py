"""Patterns of paths: which paths they match, and which of two is more specific."""

from __future__ import annotations

import pytest

from offload.core.exceptions import InvalidPath, InvalidPathPattern
from offload.core.launchers.paths import PATH_MAX, PathPattern, check_path


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("a/b.jpg", ["a/b.jpg"], ["a/bxjpg", "a/b.jpg.bak", "b.jpg", "x/a/b.jpg"]),
        ("a/*", ["a/b", "a/b.jpg"], ["a", "a/b/c", "ab"]),
        ("a/**", ["a/b", "a/b/c.jpg"], ["a", "ab/c"]),
        ("a/*.jpg", ["a/b.jpg", "a/.jpg"], ["a/b.png", "a/c/b.jpg"]),
        ("a/**/*.jpg", ["a/b.jpg", "a/c/d/b.jpg"], ["a/b.png", "b.jpg"]),
        ("**", ["a", "a/b/c"], []),
        ("**/new/*", ["new/a", "a/b/new/c"], ["new", "renew/a"]),
        ("a/?.jpg", ["a/b.jpg", "a/ü.jpg"], ["a/bc.jpg", "a//.jpg"]),
        ("a (1)/[x]+$/*", ["a (1)/[x]+$/b"], ["a 1/x/b"]),
        ("*", ["a", "line\nbreak"], ["a/b"]),
    ],
)
def test_a_pattern_matches(pattern: str, matching: list[str], other: list[str]) -> None:
    found = PathPattern.parse(pattern)

    assert [path for path in matching if not found.matches(path)] == []
    assert [path for path in other if found.matches(path)] == []


def test_the_nearest_folder_is_more_specific_then_the_narrower_pattern() -> None:
    ordered = ["**", "**/*.jpg", "a/**", "a/**/*.jpg", "a/*", "a/*.jpg", "a/b/**", "a/b/c.jpg"]

    found = sorted(map(PathPattern.parse, reversed(ordered)), key=lambda one: one.specificity)

    assert list(map(str, found)) == ordered


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("/a", "a segment is empty"),
        ("a//b", "a segment is empty"),
        ("a/../b", "'..'"),
        ("a/b**", "stands alone"),
        ("a\\b", "no path has"),
        ("a\x00", "no path has"),
        ("a" * 300, "300 characters"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_pattern_is_refused(text: object, problem: str) -> None:
    with pytest.raises(InvalidPathPattern, match=problem):
        PathPattern.parse(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [("a/b.jpg", "a/b.jpg"), ("/a/b", "a/b"), ("./a//b", "a/b"), ("Ä ö/ü.jpg", "Ä ö/ü.jpg")],
)
def test_a_path_has_one_form(text: str, path: str) -> None:
    assert check_path(text) == path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "names no file"),
        ("a/", "names no file"),
        ("/", "names no file"),
        ("../a", "stand for folders"),
        ("a/../../b", "stand for folders"),
        ("a\x00b", "control character"),
        ("a/b\\c", "backslash"),
        ("a" * (PATH_MAX + 1), "are allowed"),
        (7, "of type int"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(text: object, problem: str) -> None:
    with pytest.raises(InvalidPath, match=problem):
        check_path(text)

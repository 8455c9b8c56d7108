from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.exceptions import InvalidName
from offload.core.validation.filenames import NameSet, check_file_name


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "48.png",
        "photo..jpg",
        "...",
        ".hidden",
        " odd 'name' (1).jpg",
        "\u00fcber \U0001f600.png",
        "\u05d0\u200f.txt",
        "renditions/48.png",
        "a/b/c:d/e",
    ],
)
def test_an_odd_but_plain_name_is_returned_as_it_is(name: str) -> None:
    assert check_file_name(name) == name


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "empty"),
        (".", "stand for folders"),
        ("..", "stand for folders"),
        ("../x", "stand for folders"),
        ("a/../../b", "stand for folders"),
        ("a/./b", "stand for folders"),
        ("a/", "part of it between slashes is empty"),
        ("a//b", "part of it between slashes is empty"),
        ("/etc/passwd", "absolute"),
        ("c:/autoexec.bat", "absolute"),
        ("..\\x", "backslash"),
        ("a\0b", "control character"),
        ("a\nb", "control character"),
        ("a\x7fb", "control character"),
        ("a\x85b", "control character"),
        ("a\u2028b", "control character"),
        ("a\ud800b", "control character"),
        ("invoice\u202egpj.exe", "turns the direction"),
        ("a\u2066b\u2069", "turns the direction"),
        ("x" * 256, "256 bytes, 255 are allowed"),
        ("\u00fc" * 128, "256 bytes, 255 are allowed"),
        (None, "of type NoneType"),
        (b"a", "of type bytes"),
    ],
)
def test_a_name_that_could_be_more_than_a_name_is_refused(name: object, problem: str) -> None:
    with pytest.raises(InvalidName, match=problem) as caught:
        check_file_name(name)

    assert caught.value.name == name


def test_the_longest_allowed_name_is_allowed() -> None:
    assert check_file_name("x" * 255) == "x" * 255


@given(st.text(st.sampled_from("ab./\\\0\n\u00fc")))
def test_an_accepted_name_leads_down_from_where_it_is_put(name: str) -> None:
    try:
        check_file_name(name)
    except InvalidName:
        return

    assert not {"", ".", ".."} & set(name.split("/"))
    assert not set(name) & {"\\", "\0", "\n"}


@pytest.mark.parametrize(
    ("one", "other", "problem"),
    [
        ("photo.jpg", "Photo.JPG", "only case or Unicode normalisation tells it from 'photo.jpg'"),
        ("\u00fc", "u\u0308", "normalisation"),
        ("\u00dc", "u\u0308", "normalisation"),
        ("stra\u00dfe", "STRASSE", "normalisation"),
        ("A/b.png", "a/B.png", "normalisation"),
        ("a", "a/b", "a file would be a folder too"),
        ("a/b", "A", "with 'a/b', a file would be a folder too"),
        ("a/b", "a/B/c", "a file would be a folder too"),
    ],
)
def test_names_that_some_file_system_mixes_up_are_refused(
    one: str, other: str, problem: str
) -> None:
    names = NameSet()
    names.add(one)

    with pytest.raises(InvalidName, match=problem) as caught:
        names.add(other)

    assert caught.value.name == other


def test_names_side_by_side_are_taken_and_the_same_name_again() -> None:
    names = NameSet()
    for name in ("a/b", "a/c", "ab", "a.b", "b/a", "a/b"):
        names.add(name)

    assert set(names.files.values()) == {"a/b", "a/c", "ab", "a.b", "b/a"}

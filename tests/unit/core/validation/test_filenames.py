from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.exceptions import InvalidName
from offload.core.validation.filenames import check_file_name


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
    ],
)
def test_an_odd_but_plain_name_is_returned_as_it_is(name: str) -> None:
    assert check_file_name(name) == name


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "empty"),
        (".", "folder"),
        ("..", "folder"),
        ("../x", "slash"),
        ("a/b", "slash"),
        ("/etc/passwd", "slash"),
        ("..\\x", "slash"),
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
def test_an_accepted_name_is_one_entry_of_a_folder(name: str) -> None:
    try:
        check_file_name(name)
    except InvalidName:
        return

    assert name not in {"", ".", ".."}
    assert not set(name) & {"/", "\\", "\0", "\n"}

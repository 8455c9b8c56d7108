from __future__ import annotations

import pytest

from offload.core.files.suffixes import suffix_of


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("photo.JPG", ".JPG"),
        ("a/b.c/film.mp4", ".mp4"),
        ("backup.tar.gz", ".tar.gz"),
        ("v1.2.png", ".png"),
        ("plain", ""),
        (".hidden", ""),
        ("a/.hidden", ""),
        ("folder.d/plain", ""),
        ("odd.p$g", ""),
        ("odd.p g", ""),
        ("ends.", ""),
        ("ends.\n", ""),
        ("long.abcdefghijklmnopq", ""),
        ("-rf.sh", ".sh"),
    ],
)
def test_a_plain_suffix_is_kept_and_nothing_else(name: str, suffix: str) -> None:
    assert suffix_of(name) == suffix

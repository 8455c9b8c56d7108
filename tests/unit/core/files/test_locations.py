from __future__ import annotations

import time

import pytest
from uuid_utils import uuid7

from offload.core.files.locations import made_at


def test_a_name_that_was_made_up_tells_when() -> None:
    before = time.time()
    made = made_at(str(uuid7()))

    assert made is not None
    assert before - 0.01 <= made <= time.time() + 0.01


@pytest.mark.parametrize(
    "name",
    [
        "",
        "photo.jpg",
        "3eeb6d7f-ab36-4be1-a1ef-a64b52c65c98",
        "01A22A06-1B38-7000-A074-F4C446C4A39E",
        "{01a22a06-1b38-7000-a074-f4c446c4a39e}",
        "01a22a06-1b38-7000-a074-f4c446c4a39e.jpg",
    ],
)
def test_another_name_tells_nothing(name: str) -> None:
    assert made_at(name) is None

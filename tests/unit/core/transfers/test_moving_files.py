"""What another cluster says of files on their way is read as untrusted input."""

from __future__ import annotations

import pytest

from offload.core.transfers.descriptions import Direction
from offload.core.transfers.moving_files import MovingFiles, found, is_moving
from offload.core.transfers.stages import FilesProgress

PROGRESS = FilesProgress(files=3, done=1, size=100, done_size=40)
TOLD = MovingFiles(job_id="one", epoch=2, direction=Direction.INPUT, progress=PROGRESS)


def test_what_is_told_is_read_again() -> None:
    assert is_moving(TOLD.packed())
    assert found([TOLD.packed()], "one", 2) == TOLD


def test_what_is_told_of_another_binding_says_nothing() -> None:
    assert found([TOLD.packed()], "one", 3) is None
    assert found([TOLD.packed()], "two", 2) is None
    assert found("no list", "one", 2) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"job": ""},
        {"job": 7},
        {"epoch": 0},
        {"epoch": True},
        {"direction": "sideways"},
        {"files": -1},
        {"done": 4},
        {"size": "100"},
        {"size": 2**70},
        {"done_size": 101},
        {"done_size": None},
    ],
)
def test_what_cannot_be_is_not_read(wrong: dict[str, object]) -> None:
    value = TOLD.packed() | wrong

    assert not is_moving(value)
    assert found([value], "one", 2) is None

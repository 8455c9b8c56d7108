"""How a transfer's last error reads."""

from __future__ import annotations

from typing import Any

import pytest

from offload.reading.transfers import TransferLine


@pytest.mark.parametrize(
    ("code", "problem", "told"),
    [
        ("", "", ""),
        ("no_space", "the disk is full", "no_space: the disk is full"),
        ("timed_out", "", "timed_out"),
        ("", "the disk is full", "the disk is full"),
    ],
)
def test_the_class_of_an_error_stands_before_it(code: str, problem: str, told: str) -> None:
    usual: dict[str, Any] = dict.fromkeys(TransferLine.__slots__)
    line = TransferLine(**{**usual, "error_type": code, "error": problem})
    assert line.failure == told

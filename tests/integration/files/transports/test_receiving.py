"""Receiving several files at the same moment."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from offload.core.transfers.descriptions import Direction
from offload.files.transports.watching import Watch
from tests.integration.files.transports.links import MemoryLink

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from offload.core.transfers.descriptions import FileDescription


def test_files_that_are_stored_at_the_same_moment_are_not_mixed_up(
    staging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = MemoryLink(staging=staging)
    contents = {"a": b"first", "b": b"second"}
    together = threading.Barrier(len(contents))
    ends: Counter[str] = Counter()

    class Meeting(Watch):
        """Lets no file go on from its second end, once it is stored, before all are there."""

        def report(self, file: FileDescription, done: int) -> None:
            ends[file.name] += done == file.size
            if ends[file.name] == 2:
                together.wait(30)

    monkeypatch.setattr(link, "watch", Meeting)

    assert link.carry(Direction.INPUT, contents) == contents

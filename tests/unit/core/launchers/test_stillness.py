"""Files are due once they were found in one state for long enough, and only once."""

from __future__ import annotations

from offload.core.launchers.stillness import Stamp, StillFile, due, handled, observed

STILL = 5.0


def test_a_file_that_changes_is_waited_for_anew() -> None:
    known = observed({}, {"a": Stamp(1, 1)}, 0.0)
    known = observed(known, {"a": Stamp(2, 2)}, 4.0)

    assert due(known, 8.9, STILL) == []
    assert due(known, 9.0, STILL) == ["a"]


def test_one_state_is_handled_once_and_another_again() -> None:
    known = handled(observed({}, {"a": Stamp(1, 1), "b": Stamp(1, 1)}, 0.0), {"a"})
    assert due(known, 5.0, STILL) == ["b"]

    known = observed(known, {"a": Stamp(1, 2), "b": Stamp(1, 1)}, 6.0)
    assert due(known, 11.0, STILL) == ["b", "a"]


def test_what_is_gone_is_forgotten() -> None:
    known = handled(observed({}, {"a": Stamp(1, 1)}, 0.0), {"a"})

    assert observed(known, {}, 1.0) == {}
    assert observed({}, {"a": Stamp(1, 1)}, 2.0) == {"a": StillFile(Stamp(1, 1), 2.0)}

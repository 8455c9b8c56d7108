"""Watching beats, with the arithmetic of a timeout of 12 s and a look every half second."""

from __future__ import annotations

import pytest

from offload.fleet.observing import Observer

TIMEOUT, INTERVAL = 12.0, 0.5
#: A pause of more than three looks and a second is the observer's own.
LONGEST = 3 * INTERVAL + 1


class Watch:
    """An observer that looks at its own times, and what it saw."""

    def __init__(self) -> None:
        """Begin at noon."""
        self.observer = Observer(timeout=TIMEOUT, interval=INTERVAL)
        self.time = 1000.0

    def look(self, after: float = INTERVAL, **beats: int) -> list[str]:
        """Look again after so many seconds; names with their beats, in their first incarnation."""
        return self.see({name: ("boot 1", beat) for name, beat in beats.items()}, after)

    def see(self, beats: dict[str, tuple[str, int]], after: float = INTERVAL) -> list[str]:
        """Look at incarnations and beats."""
        self.time += after
        return self.observer.look(beats, self.time)

    def still(self, seconds: float, **beats: int) -> list[str]:
        """Look at the same beats for so many seconds; return who was gone at the last look."""
        gone: list[str] = []
        for _ in range(round(seconds / INTERVAL)):
            gone = self.look(**beats)
        return gone


@pytest.fixture
def watch() -> Watch:
    """Return an observer that has looked at nothing."""
    return Watch()


# Seen first at 0 with the number 7; each line: seconds later, number, gone?
STORIES = {
    "a beat that stands still for 11.5 s is late": [(11.5, 7, False)],
    "a beat that stands still for 12 s is gone": [(12.0, 7, True)],
    "a beat that moved starts the count anew": [
        (11.5, 7, False),
        (0.5, 8, False),
        (11.5, 8, False),
    ],
    "and is gone 12 s after it moved": [(11.5, 7, False), (0.5, 8, False), (12.0, 8, True)],
    "a number that went back is a beat too": [(11.5, 7, False), (0.5, 3, False), (11.5, 3, False)],
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_a_beat_is_counted_from_when_it_was_first_seen(
    story: list[tuple[float, int, bool]], watch: Watch
) -> None:
    watch.look(gpu=7)

    for seconds, beat, gone in story:
        assert watch.still(seconds, gpu=beat) == (["gpu"] if gone else [])


def test_a_new_incarnation_is_counted_by_itself_even_with_the_same_number(watch: Watch) -> None:
    watch.look(gpu=0)
    watch.still(11.5, gpu=0)

    assert watch.see({"gpu": ("boot 2", 0)}) == []
    assert watch.see({"gpu": ("boot 2", 0)}) == []


def test_an_instance_that_was_away_is_counted_anew(watch: Watch) -> None:
    watch.look(gpu=1)
    watch.still(11.5, gpu=1)
    watch.look()

    assert watch.still(12.0, gpu=1) == []
    assert watch.look(gpu=1) == ["gpu"]


def test_a_failed_read_starts_every_count_anew(watch: Watch) -> None:
    watch.look(gpu=1)
    watch.still(11.5, gpu=1)

    watch.observer.forget()

    assert watch.still(12.0, gpu=1) == []
    assert watch.look(gpu=1) == ["gpu"]


def test_a_pause_of_the_observer_starts_every_count_anew(watch: Watch) -> None:
    watch.look(gpu=1)
    watch.still(11.5, gpu=1)

    assert watch.look(after=LONGEST + 0.5, gpu=1) == []
    assert watch.still(11.5, gpu=1) == []
    assert watch.look(gpu=1) == ["gpu"]


def test_a_look_that_is_a_little_late_is_no_pause(watch: Watch) -> None:
    watch.look(gpu=1)
    watch.still(10.0, gpu=1)

    assert watch.look(after=LONGEST, gpu=1) == ["gpu"]


def test_one_that_stands_still_is_gone_while_others_beat(watch: Watch) -> None:
    watch.look(a=0, b=0)
    gone: list[str] = []

    for beat in range(1, 25):
        gone = watch.look(a=beat, b=0)

    assert gone == ["b"]
    assert not watch.observer.doubts


# Size of the fleet, how many stand still, whether they are doubted first.
FLEETS = [(1, 1, False), (3, 3, False), (4, 2, False), (4, 3, True), (5, 3, True), (6, 3, False)]


@pytest.mark.parametrize(("size", "silent", "doubted"), FLEETS)
def test_more_than_half_of_a_fleet_of_four_is_doubted_for_one_more_timeout(
    size: int, silent: int, doubted: bool, watch: Watch
) -> None:
    names = [f"n{number}" for number in range(size)]
    gone = names[:silent]
    turns = iter(range(1000))

    def looks(count: int) -> list[str]:
        found: list[str] = []
        for _ in range(count):
            turn = next(turns)
            found = watch.look(**{name: 0 if name in gone else turn for name in names})
        return found

    assert looks(25) == ([] if doubted else gone)
    assert watch.observer.doubts is doubted
    assert looks(23) == ([] if doubted else gone)
    assert looks(1) == gone


def test_a_fleet_that_beats_again_was_rightly_doubted(watch: Watch) -> None:
    silent = dict.fromkeys("abcd", 0)
    watch.look(**silent)
    watch.still(12.0, **silent)
    assert _doubts(watch)

    assert watch.look(**dict.fromkeys("abcd", 1)) == []

    assert not _doubts(watch)
    assert watch.still(11.5, **dict.fromkeys("abcd", 1)) == []


def test_a_failed_read_ends_the_doubt(watch: Watch) -> None:
    silent = dict.fromkeys("abcd", 0)
    watch.look(**silent)
    watch.still(12.0, **silent)

    watch.observer.forget()

    assert not watch.observer.doubts
    assert watch.still(24.0, **silent) == []
    assert watch.look(**silent) == list("abcd")


def _doubts(watch: Watch) -> bool:
    return watch.observer.doubts

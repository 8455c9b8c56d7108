from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from offload.core.admission.turns import Choice, QueueTurn, WaitingJob, choose
from offload.core.policies import TurnsBy

NAMES = st.sampled_from(["", "a", "b", "c", "ä"])
WEIGHTS = st.dictionaries(NAMES, st.integers(1, 4))
TURNS = st.builds(QueueTurn, of=NAMES, taken=st.integers(0, 5))
COUNTS = st.dictionaries(NAMES, st.integers(0, 4))


@st.composite
def waiting_jobs(draw: st.DrawFn) -> list[WaitingJob]:
    keys = draw(st.lists(NAMES, max_size=30))
    return [
        WaitingJob(f"{number:02}", draw(st.sampled_from("xyz")), key, draw(st.integers(0, 1)), 0)
        for number, key in enumerate(keys)
    ]


CHOICES = st.builds(
    Choice,
    by=st.none() | st.sampled_from(TurnsBy),
    most_per_key=st.none() | st.integers(1, 3),
    weights=WEIGHTS,
)


def jobs(**counts: int) -> list[WaitingJob]:
    """Jobs by key; those of a key that is named first were submitted first."""
    keys = [key for key, count in counts.items() for _ in range(count)]
    return [WaitingJob(f"{number:05}", "t", key, 0, number) for number, key in enumerate(keys)]


def keys_of(found: list[WaitingJob]) -> str:
    return "".join(one.key for one in found)


def test_keys_take_turns_by_their_weights() -> None:
    choice = Choice(by=TurnsBy.KEYS, weights={"a": 3})

    found, turn = choose(jobs(a=9, b=9, c=1), choice, limit=11, turn=QueueTurn())

    assert keys_of(found) == "aaabcaaabaa"
    assert turn == QueueTurn(of="a", taken=2)
    found, _ = choose(jobs(a=4, b=8), choice, limit=3, turn=turn)
    assert keys_of(found) == "aba"


def test_ten_thousand_jobs_of_one_key_do_not_delay_three_of_another() -> None:
    found, _ = choose(jobs(a=10_000, b=3), Choice(by=TurnsBy.KEYS), limit=6, turn=QueueTurn())

    assert keys_of(found) == "ababab"


def test_without_turns_jobs_come_in_their_order_as_far_as_their_keys_may() -> None:
    choice = Choice(most_per_key=2)

    found, _ = choose(
        jobs(a=5, b=1, c=3), choice, limit=9, bound={"a": 1, "c": 2}, turn=QueueTurn()
    )

    assert [one.id for one in found] == ["00000", "00005"]


@given(waiting_jobs(), CHOICES, st.integers(0, 20), COUNTS, TURNS)
def test_no_key_gets_more_than_its_limit(
    waiting: list[WaitingJob], choice: Choice, limit: int, bound: dict[str, int], turn: QueueTurn
) -> None:
    found, _ = choose(waiting, choice, limit=limit, bound=bound, turn=turn)

    assert len(found) == len(set(found)) <= limit
    for key, count in Counter(one.key for one in found if one.key).items():
        assert choice.most_per_key is None or count + bound.get(key, 0) <= choice.most_per_key


@given(waiting_jobs(), CHOICES, st.integers(0, 20), COUNTS, TURNS)
def test_nothing_that_may_be_bound_is_left_while_there_is_room(
    waiting: list[WaitingJob], choice: Choice, limit: int, bound: dict[str, int], turn: QueueTurn
) -> None:
    found, _ = choose(waiting, choice, limit=limit, bound=bound, turn=turn)

    most = choice.most_per_key
    left = {
        key: count if most is None or not key else max(0, min(count, most - bound.get(key, 0)))
        for key, count in Counter(one.key for one in waiting).items()
    }
    assert len(found) == min(limit, sum(left.values()))


@given(waiting_jobs(), CHOICES, st.integers(0, 20), COUNTS, TURNS)
def test_jobs_of_a_key_keep_their_order(
    waiting: list[WaitingJob], choice: Choice, limit: int, bound: dict[str, int], turn: QueueTurn
) -> None:
    found, _ = choose(waiting, choice, limit=limit, bound=bound, turn=turn)

    by_topics = choice.by is TurnsBy.TOPICS
    for name in {one.topic if by_topics else one.key for one in found}:
        line = [one for one in found if name == (one.topic if by_topics else one.key)]
        assert all(one.in_order < other.in_order for one, other in pairwise(line))


@given(waiting_jobs(), st.sampled_from(TurnsBy), WEIGHTS, TURNS)
def test_between_two_jobs_of_one_no_other_gets_more_than_its_weight(
    waiting: list[WaitingJob], by: TurnsBy, weights: dict[str, int], turn: QueueTurn
) -> None:
    """So one that waits is not delayed by how many jobs of the others wait."""
    choice = Choice(by=by, weights=weights)
    found, _ = choose(waiting, choice, limit=len(waiting), turn=turn)

    names = [one.topic if by is TurnsBy.TOPICS else one.key for one in found]
    for name in set(names):
        places = [-1, *(place for place, one in enumerate(names) if one == name)]
        for before, after in pairwise(places):
            # Before the first one, another may still use the rest of its turn.
            between = Counter(names[before + 1 : after])
            most = {one: weights.get(one, 1) * (2 if before < 0 else 1) for one in between}
            assert all(count <= most[one] for one, count in between.items())


@given(waiting_jobs(), st.sampled_from(TurnsBy), WEIGHTS, TURNS, st.lists(st.integers(1, 5)))
def test_who_binds_in_parts_binds_in_the_same_order(
    waiting: list[WaitingJob],
    by: TurnsBy,
    weights: dict[str, int],
    turn: QueueTurn,
    parts: list[int],
) -> None:
    choice = Choice(by=by, weights=weights)
    whole, _ = choose(waiting, choice, limit=sum(parts), turn=turn)
    left, found = list(waiting), []

    for limit in parts:
        some, turn = choose(left, choice, limit=limit, turn=turn)
        found += some
        left = [one for one in left if one not in some]

    assert found == whole

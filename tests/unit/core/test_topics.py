from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.exceptions import InvalidPattern, InvalidTopic
from offload.core.topics import TOPIC_MAX, Pattern, most_specific, validate_topic

SEGMENTS = st.text("abZ09_-", min_size=1, max_size=3)
TOPICS = st.lists(SEGMENTS, min_size=1, max_size=5).map("/".join)
PATTERNS = st.one_of(
    TOPICS,
    TOPICS.map("{}/*".format),
    TOPICS.map("{}/**".format),
    st.sampled_from(("*", "**")),
)


def naive_match(pattern: str, topic: str) -> bool:
    """Match segment by segment, as the grammar is told."""
    asked, given_ = pattern.split("/"), topic.split("/")
    if asked[-1] == "**":
        return len(given_) >= len(asked) and given_[: len(asked) - 1] == asked[:-1]
    if len(asked) != len(given_):
        return False
    return all(one in ("*", other) for one, other in zip(asked, given_, strict=True))


@pytest.mark.parametrize(
    "text", ["a", "dam/rendition/thumbnail", "A-1/_b/0", "x" * TOPIC_MAX, "a/" * 127 + "a"]
)
def test_a_topic_is_returned_as_it_is(text: str) -> None:
    assert validate_topic(text) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("/", "a segment is empty"),
        ("/a", "a segment is empty"),
        ("a/", "a segment is empty"),
        ("a//b", "a segment is empty"),
        ("a b", "not allowed"),
        ("a.b", "not allowed"),
        ("a/*", "not allowed"),
        ("a/\u00fc", "not allowed"),
        ("a/\u0661", "not allowed"),
        ("a\n", "not allowed"),
        ("a\0", "not allowed"),
        ("x" * (TOPIC_MAX + 1), "256 characters, 255 are allowed"),
        (None, "NoneType, not text"),
        (b"a", "bytes, not text"),
    ],
)
def test_an_illegal_topic_is_refused_with_its_problem(text: object, problem: str) -> None:
    with pytest.raises(InvalidTopic, match=problem) as caught:
        validate_topic(text)

    assert caught.value.topic == text


def code() -> None:
    """Be no topic."""


@pytest.mark.parametrize(
    ("given", "instead"),
    [
        (code, "Pass the topic of its consumer, such as 'dam/rendition/web'."),
        (type("Task", (), {"topic": "a/b", "__call__": code})(), "that it consumes: 'a/b'."),
        (type("Task", (), {"pattern": "a/*", "__call__": code})(), "its pattern 'a/*' matches."),
        ("a/*", "name one topic of it."),
        ("a*", "such as 'dam/rendition/web'."),
        (None, "such as 'dam/rendition/web'."),
    ],
)
def test_what_was_meant_is_named_in_the_place_of_what_is_no_topic(
    given: object, instead: str
) -> None:
    with pytest.raises(InvalidTopic) as caught:
        validate_topic(given)

    assert str(caught.value).endswith(instead)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("/*", "a segment is empty"),
        ("/**", "a segment is empty"),
        ("a//*", "a segment is empty"),
        ("a/b/", "a segment is empty"),
        ("*/a", "alone as the last segment"),
        ("a/*/b", "alone as the last segment"),
        ("**/*", "alone as the last segment"),
        ("a*", "alone as the last segment"),
        ("a/b*", "alone as the last segment"),
        ("a/***", "alone as the last segment"),
        ("a b/*", "not allowed"),
        ("a/?", "not allowed"),
        ("x" * TOPIC_MAX + "/*", "257 characters"),
        (7, "int, not text"),
    ],
)
def test_an_illegal_pattern_is_refused_with_its_problem(text: object, problem: str) -> None:
    with pytest.raises(InvalidPattern, match=problem) as caught:
        Pattern.parse(text)

    assert caught.value.pattern == text


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("a/b", ["a/b"], ["a", "a/b/c", "a/bb", "A/b"]),
        ("a/*", ["a/b", "a/c"], ["a", "a/b/c", "ab", "ab/c"]),
        ("a/**", ["a/b", "a/b/c/d"], ["a", "ab", "ab/c", "b/a"]),
        ("*", ["a", "b"], ["a/b"]),
        ("**", ["a", "a/b", "a/b/c"], []),
    ],
)
def test_the_grammar_by_its_table(pattern: str, yes: list[str], no: list[str]) -> None:
    parsed = Pattern.parse(pattern)

    assert [topic for topic in yes + no if parsed.matches(topic)] == yes


@given(PATTERNS, TOPICS)
def test_a_pattern_matches_what_the_naive_reading_matches(pattern: str, topic: str) -> None:
    assert Pattern.parse(pattern).matches(topic) == naive_match(pattern, topic)


@given(TOPICS)
def test_every_topic_is_matched_by_its_own_patterns(topic: str) -> None:
    above, _, _ = topic.rpartition("/")
    one_more = f"{above}/*" if above else "*"

    for pattern in (topic, one_more, "**"):
        assert Pattern.parse(pattern).matches(topic)
    assert not Pattern.parse(f"{topic}/*").matches(topic)
    assert not Pattern.parse(f"{topic}/**").matches(topic)


def test_exact_beats_one_segment_beats_the_longest_of_many() -> None:
    ordered = [Pattern.parse(text) for text in ("a/b/c", "a/b/*", "a/b/**", "a/**", "**")]

    for index, pattern in enumerate(ordered):
        assert most_specific(reversed(ordered[index:]), "a/b/c") == pattern


def test_one_segment_beats_many_also_at_the_root() -> None:
    patterns = [Pattern.parse("**"), Pattern.parse("*")]

    assert str(most_specific(patterns, "a")) == "*"


@given(st.lists(PATTERNS, unique=True), TOPICS)
def test_no_two_patterns_of_one_topic_are_equally_specific(texts: list[str], topic: str) -> None:
    matching = [one for one in map(Pattern.parse, texts) if one.matches(topic)]

    assert len({one.specificity for one in matching}) == len(matching)


def test_nothing_is_the_most_specific_of_what_does_not_match() -> None:
    assert most_specific([Pattern.parse("b/**")], "a") is None


def test_a_pattern_is_equal_by_its_text_and_shows_it() -> None:
    assert Pattern.parse("a/*") == Pattern.parse("a/*")
    assert Pattern.parse("a/*") != Pattern.parse("a/**")
    assert str(Pattern.parse("a/**")) == Pattern.parse("a/**").text == "a/**"


@given(PATTERNS, PATTERNS, st.lists(TOPICS))
def test_covering_and_overlapping_are_what_matching_says(
    one: str, other: str, topics: list[str]
) -> None:
    a, b = Pattern.parse(one), Pattern.parse(other)
    # The sample for either's wildcard is the narrowest that the other could miss.
    stems = [text.removesuffix("/**").removesuffix("/*").strip("*") for text in (one, other)]
    topics += [f"{stem}{end}".strip("/") for stem in stems for end in ("", "/x", "/x/y")]
    topics = [topic for topic in topics if topic]

    assert a.covers(b) == all(a.matches(topic) for topic in topics if b.matches(topic))
    assert a.overlaps(b) == any(a.matches(topic) and b.matches(topic) for topic in topics)

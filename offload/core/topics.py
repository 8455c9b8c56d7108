"""Topics and the one pattern grammar that consumers, rules and queues share."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from offload.core.exceptions import InvalidPattern, InvalidTopic

if TYPE_CHECKING:
    from collections.abc import Iterable

TOPIC_MAX = 255
#: The topic of the job that a run is which another cluster gets whole (P15).
RUN_TOPIC = "offload/run"

_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")

# Specificity: exact, then one more segment, then any number of them.
_MANY, _ONE, _EXACT = range(3)


def validate_topic(text: object) -> str:
    """Return the topic as it is.

    Raise InvalidTopic if it is not segments joined by `/`, or too long.
    """
    if not isinstance(text, str):
        problem = (
            "it is a function or a task" if callable(text) else f"it is a {type(text).__name__}"
        )
        raise InvalidTopic(topic=text, problem=f"{problem}, not text", instead=_instead(text))
    if problem := _problem(text):
        raise InvalidTopic(topic=text, problem=problem, instead=_instead(text))
    return text


def _instead(value: object) -> str:
    """Say which topic to write instead of a pattern, a function or a task."""
    if isinstance(value, str):
        many = value.endswith("*") and is_pattern(value)
        return "A pattern is for consumers, rules and queues: name one topic of it." if many else ""
    known = getattr(value, "topic", "") or getattr(value, "pattern", "")
    if isinstance(known, str) and is_topic(known):
        return f"Pass the topic that it consumes: {known!r}."
    if isinstance(known, str) and known:
        return f"Pass a topic that its pattern {known!r} matches."
    return "Pass the topic of its consumer, such as 'dam/rendition/web'." if callable(value) else ""


def is_pattern(text: str) -> bool:
    """Tell whether a text is a pattern."""
    try:
        Pattern.parse(text)
    except InvalidPattern:
        return False
    return True


def is_topic(text: str) -> bool:
    """Tell whether a text is a topic."""
    return not _problem(text)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A set of topics; made by `parse`, equal when the text is equal."""

    text: str
    _form: int = field(compare=False, repr=False)
    # The beginning of a matching topic, with the slash; the whole topic if exact.
    _prefix: str = field(compare=False, repr=False)
    # Orders patterns that match the same topic: the greater is more specific.
    specificity: tuple[int, int] = field(compare=False, repr=False)

    @staticmethod
    def parse(text: object) -> Pattern:
        """Read a pattern.

        Raise InvalidPattern if the text is not one of the four forms.
        """
        if not isinstance(text, str):
            raise InvalidPattern(pattern=text, problem=f"it is a {type(text).__name__}, not text")
        return _parse(text)

    @property
    def is_exact(self) -> bool:
        """Tell whether it is one topic."""
        return self._form == _EXACT

    @property
    def regex(self) -> str:
        """Return a regular expression of the topics in the set."""
        rest = {_EXACT: "", _ONE: "[^/]+", _MANY: ".+"}[self._form]
        return f"^{self._prefix}{rest}$"

    def matches(self, topic: str) -> bool:
        """Tell whether this valid topic is in the set."""
        if self._form == _EXACT:
            return topic == self.text
        # A topic never ends in a slash, so something follows the prefix.
        if not topic.startswith(self._prefix):
            return False
        return self._form == _MANY or "/" not in topic[len(self._prefix) :]

    def covers(self, other: Pattern) -> bool:
        """Tell whether every topic of the other one is in the set."""
        if other._form == _EXACT:
            return self.matches(other.text)
        if self._form == _ONE:
            return other == self
        return self._form == _MANY and other._prefix.startswith(self._prefix)

    def overlaps(self, other: Pattern) -> bool:
        """Tell whether a topic can be in both; if so, one covers the other."""
        return self.covers(other) or other.covers(self)

    def __str__(self) -> str:
        return self.text


def most_specific(patterns: Iterable[Pattern], topic: str) -> Pattern | None:
    """Return the narrowest of the patterns that match the topic, or None if none does."""
    matching = (pattern for pattern in patterns if pattern.matches(topic))
    return max(matching, key=lambda pattern: pattern.specificity, default=None)


@lru_cache(maxsize=4096)
def examples(text: str) -> tuple[str, ...]:
    """Return topics that represent a pattern; a topic represents itself.

    No topic has a segment ``*``, so no rule names one of these exactly; whatever matches
    them matches every topic of the pattern that no rule names exactly.
    """
    return (text, f"{text}/**") if text.endswith("**") else (text,)


def _parse(text: str) -> Pattern:
    head, _, last = text.rpartition("/")
    form = {"**": _MANY, "*": _ONE}.get(last, _EXACT)
    prefix = text if form == _EXACT else text.removesuffix(last)
    if problem := _pattern_problem(text, head, form):
        raise InvalidPattern(pattern=text, problem=problem)
    return Pattern(text, form, prefix, (form, prefix.count("/")))


def _pattern_problem(text: str, head: str, form: int) -> str:
    if len(text) > TOPIC_MAX:
        return f"it has {len(text)} characters, {TOPIC_MAX} are allowed"
    if form != _EXACT and "/" not in text:
        return ""
    literal = text if form == _EXACT else head
    if "*" in literal:
        return "a wildcard stands alone as the last segment"
    return _problem(literal) if literal or not text else "a segment is empty"


def _problem(text: str) -> str:
    if not text:
        return "it is empty"
    if len(text) > TOPIC_MAX:
        return f"it has {len(text)} characters, {TOPIC_MAX} are allowed"
    for segment in text.split("/"):
        if not segment:
            return "a segment is empty"
        if not _SEGMENT.fullmatch(segment):
            return f"the segment {segment!r:.80} has a character that is not allowed"
    return ""
